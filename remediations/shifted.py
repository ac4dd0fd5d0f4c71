"""A container's directory and rootfs: whose they have to be, as lxc-create leaves them."""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.config import container_config
from audit.facts.paths import Crosser, Obstacle, Step, passes, walk
from audit.facts.places import container_dir, rootfs_path, user_crosser
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.access import entries, listed, setfacl, traverse
from remediations.actions import ROOT, Acl, Action, Manual, Mode, Owner
from remediations.config import put
from remediations.homes import in_home, spelled
from remediations.typed import typed


def shift(host: Host, closed: list[Step], crosser: Crosser) -> Fix:
    """Give the container's directory and the top of its rootfs to the container's root.

    What lies below keeps its owners: which ids a tree was copied with, nobody can tell it by.
    Directories on the way to a rootfs elsewhere are opened.
    """
    directory, top = _ends(host)
    actions: list[Action] = []
    others: list[Obstacle] = []
    for step in closed:
        if step.stat is None:
            continue
        if step.path == directory:
            actions += _give(host, step, crosser, _group(host, step))
        elif step.path == top or step.path.startswith(f"{directory}/"):
            actions += _give(host, step, crosser, crosser.who.gid)
        else:
            others.append(Obstacle(step, ""))
    opened = traverse(host, others, crosser).actions if others else ()
    names = listed([step.path for step in closed])
    title = f"give {names} to the container's root (uid {crosser.who.uid})"
    return Fix("shift_rootfs", title, (*opened, *actions))


def rename(host: Host) -> Fix | None:
    """Name the rootfs that lies beside the config, where one does: homes move, and users are
    renamed. None where there is none.
    """
    try:
        entry = host.get(container_config).last("lxc.rootfs.path")
        place = f"{host.get(container_dir)}/rootfs"
        found = host.lstat(place)
    except (Unknown, NotApplicable):
        return None
    if entry is None or found is None or found.kind != "directory":
        return None
    kind, colon, _ = entry.value.partition(":")
    return put(host, entry, f"{kind}:{place}" if colon else place)


def let_user_in(host: Host, closed: list[Step]) -> Fix:
    """Give the user back what lxc-create gives it by the group: all rights in the container's
    directory.
    """
    account, actions = host.get(target), list[Action]()
    for step in closed:
        if step.stat is None:
            continue
        place, stat = spelled(host, step.path), step.stat
        if stat.uid == account.uid:
            actions.append(Mode(place, stat.mode | 0o700, True))
        elif step.acl is not None:
            acl = Acl(place, entries(stat, step.acl, account.uid, "rwx"))
            actions += [*setfacl(host), *_allowed(host, step, acl)]
        else:
            if stat.gid != account.gid:
                actions += _allowed(host, step, Owner(place, stat.uid, account.gid))
            if stat.mode & 0o070 != 0o070:
                actions += _allowed(host, step, Mode(place, stat.mode | 0o070))
    title = f"let {account.name} pass {listed([step.path for step in closed])}"
    return Fix("container_directory", title, tuple(actions))


def _give(host: Host, step: Step, crosser: Crosser, gid: int) -> tuple[Action, ...]:
    assert step.stat is not None
    uid, place = crosser.who.uid, spelled(host, step.path)
    actions: list[Action] = []
    if (step.stat.uid, step.stat.gid) != (uid, gid):
        actions += _allowed(host, step, Owner(place, uid, gid))
    after = step._replace(stat=step.stat._replace(uid=uid, gid=gid))
    mode = step.stat.mode
    if not passes(after, crosser):
        mode |= 0o100
    if step.path == _ends(host)[0]:
        assert after.stat is not None
        user = host.get(user_crosser)
        if not passes(after._replace(stat=after.stat._replace(mode=mode)), user, "rwx"):
            mode |= 0o070
    if mode != step.stat.mode:
        actions += _allowed(host, step, Mode(place, mode))
    return tuple(actions)


def _group(host: Host, step: Step) -> int:
    """The group of the container's directory, by which the user gets at it."""
    assert step.stat is not None
    user = host.get(user_crosser)
    return step.stat.gid if user.who.belongs(step.stat.gid) else host.get(target).gid


def _allowed(host: Host, step: Step, action: Action) -> tuple[Action, ...]:
    """An action of root on what the user's config names: in the home only. Elsewhere it may be
    anything, and library.sh does not know that the user can swap it.
    """
    if in_home(host, step.path):
        return (action,)
    return (Manual(typed(action), ROOT),)


def _ends(host: Host) -> tuple[str, str]:
    """The container's directory and its rootfs without symlinks; empty where there is none."""
    found: list[str] = []
    for fact in (container_dir, rootfs_path):
        path = host.get(fact)
        found.append("" if path is None else host.get(walk, path).here)
    return found[0], found[1]
