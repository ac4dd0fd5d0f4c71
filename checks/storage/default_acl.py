from collections.abc import Iterator

from audit.access import parse_acl
from audit.facts.accounts import target
from audit.facts.lxcconf import lxcpath
from audit.facts.paths import (
    CREATE_MODE,
    DEFAULT,
    container_crosser,
    letters,
    new_container_dir,
    passes,
    reason,
    walk,
)
from audit.facts.places import user_crosser
from audit.facts.session import session_gid
from audit.host import Host
from audit.model import (
    CREATE,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.access import is_theirs, setfacl
from remediations.actions import Acl, Action, Directory, Mode
from remediations.homes import spelled

USER, GROUP, MASK = 0x02, 0x08, 0x10  # tags of named entries and of the mask


@check(
    "A new container's directory stays open to the user",
    Level.BLOCKING,
    stages=(CREATE,),
    after=("host.user", "session.home", "storage.lxcpath", "storage.filesystem"),
)
def default_acl(host: Host) -> Iterator[Finding]:
    """A default ACL above the containers does not take the group's rights from what lxc-create
    makes.

    lxc-create makes lxcpath/NAME with mode 0770 and gives it to the container's root; the user
    keeps its access by the group. A default ACL (`setfacl -d`) on lxcpath, or on the directory in
    which it will be made, replaces that mode: where its group entry or its mask lacks rwx, the user
    is locked out of the directory it has just made. So it is where lxcpath is setgid for another
    group: LXC then gives the directory to the wrong gid.

    Why: "create_partial: Permission denied - Failed to create "4/partial""
    See: acl(5), "OBJECT CREATION AND DEFAULT ACLs"; LXC src/lxc/lxccontainer.c,
    do_create_container_dir()
    """
    path, user = host.get(lxcpath), host.get(user_crosser)
    if host.get(container_crosser) is None:
        raise NotApplicable("the config maps no container root")
    step = host.get(new_container_dir, path)
    if step is None:
        raise NotApplicable(f"{path} cannot be looked at")
    if passes(step, user, "rwx"):
        seen = Evidence(path, None, "no default ACL" if step.acl is None else "group:rwx")
        yield Pass(f"the user gets at what lxc-create makes in {path}", seen)
        return
    name, why = host.get(target).name, reason(step, user, "rwx")
    if _default(host, path) is None:
        yield Fail(
            f"{name} is locked out of the directory that lxc-create makes: {path} is setgid for a"
            f" group that is not the user's: {why}",
            Evidence(path, None, "setgid", f"no setgid bit, or group {host.get(session_gid)}"),
            fix=Fix("setgid", f"take the setgid bit off {path}", _without_setgid(host, path)),
        )
        return
    yield Fail(
        f"the default ACL that {path} has or inherits locks {name} out of a container's directory:"
        f" {why}",
        Evidence(path, None, why, "default:group::rwx"),
        fix=Fix(
            "default_acl",
            f"let the default ACL of {path} leave the group its rights",
            _with_rights(host, path),
        ),
    )


def _default(host: Host, path: str) -> str | None:
    """The default ACL by which the container's directory will be made."""
    return host.xattr(host.get(walk, path).here, DEFAULT)


def _without_setgid(host: Host, path: str) -> tuple[Action, ...]:
    """Off lxcpath itself; one that is still to be made would inherit it, and is made without."""
    last = host.get(walk, path)
    stat = last.steps[-1].stat
    if last.missing or stat is None:
        return (Directory(path, CREATE_MODE, True),)
    # Only root can put it back: chmod(2) drops it for whoever is not of the group.
    return (Mode(spelled(host, last.here), stat.mode & ~0o2000),)


def _with_rights(host: Host, path: str) -> tuple[Action, ...]:
    """The default ACL with all rights for the group, and for the user where it names the user."""
    way, account = host.get(walk, path), host.get(target)
    theirs = bool(way.missing) or is_theirs(host, way.steps[-1])
    words = ["d:g::rwx", "d:m::rwx"]
    found = parse_acl(_default(host, path) or "")
    mask = next((entry.perm for entry in found if entry.tag == MASK), 7)
    for entry in found:
        kind = {USER: "u", GROUP: "g"}.get(entry.tag)
        if kind == "u" and entry.ident == account.uid:
            words.append(f"d:u:{account.uid}:rwx")
        elif kind is not None and entry.perm & ~mask:
            # what the mask has cut so far stays cut
            words.append(f"d:{kind}:{entry.ident}:{letters(entry.perm & mask)}")
    made = (Directory(path, CREATE_MODE, True),) if way.missing else ()
    return (*setfacl(host), *made, Acl(path, ",".join(words), theirs))
