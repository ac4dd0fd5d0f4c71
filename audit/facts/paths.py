"""Who gets how far along a path: path_resolution(7) with acl(5), user namespaces and private FUSE
mounts.

Container root is no root on the way to its rootfs. It is a plain uid and gid without further
groups, and its CAP_DAC_OVERRIDE counts only for what is owned by ids that are mapped in its user
namespace (kernel fs/inode.c, privileged_wrt_inode_uidgid).
"""

from __future__ import annotations

import struct

from audit.access import BITS, AclEntry, Credentials, may, parse_acl
from audit.facts.accounts import target
from audit.facts.idmap import container_root, maps_of
from audit.facts.mounts import Mount, mount_of
from audit.facts.session import is_mine, session_credentials, session_gid, umask
from audit.host import Host, Stat
from audit.model import Unknown
from audit.records import NamedTuple

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
MAX_LINKS = 40
CONTAINER_MODE, CONTAINER_UMASK = 0o770, 0o002
CREATE_MODE = 0o755  # lxc src/lxc/tools/lxc_create.c and lxclock.c: mkdir_p(path, 0755)
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20

Range = tuple[int, int]


class Crosser(NamedTuple):
    """A process on its way; `uids` and `gids` are the host ids (first, last) mapped in its user
    namespace.
    """

    who: Credentials
    uids: tuple[Range, ...] = ()
    gids: tuple[Range, ...] = ()

    def overrides(self, stat: Stat) -> bool:
        """Whether CAP_DAC_OVERRIDE in its user namespace covers an inode."""
        return _within(stat.uid, self.uids) and _within(stat.gid, self.gids)


class Step(NamedTuple):
    """A directory on the way, without symlinks. `stat` is None when nobody but its owner gets into
    the mount.
    """

    path: str
    stat: Stat | None
    acl: str | None = None
    mount: Mount | None = None  # the FUSE mount that keeps others out
    predicted: bool = False  # lxc-create will make it


class Walk(NamedTuple):
    """A path as far as it can be looked at.

    `closed` is a directory behind which the audit itself cannot look; `missing` the names that are
    not there.
    """

    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()
    closed: Step | None = None

    @property
    def here(self) -> str:
        """Where the existing part of the path ends, symlinks resolved."""
        return self.steps[-1].path


class Obstacle(NamedTuple):
    """A directory that somebody may not pass, and why."""

    step: Step
    reason: str


def walk(host: Host, path: str) -> Walk:
    """Every directory that resolving an absolute path goes through, symlinks followed; the last
    step is the path.

    Raises Unknown for a relative path, which depends on the directory a command is typed in, and
    for a loop.
    """
    if not path.startswith("/"):
        raise Unknown(
            f"{path} is relative: where that is depends on the current directory",
            cause="storage.lxcpath",
        )
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    top = host.stat("/")
    if top is None:
        raise Unknown("/ went away")
    steps = [_step(host, "/", top)]
    links = 0
    while todo:
        last = steps[-1]
        if last.stat is None or _shuts_out_the_audit(host, last):
            return Walk(tuple(steps), (), last)
        part = todo.pop()
        if part == "..":
            parent = last.path.rpartition("/")[0] or "/"
            steps.append(next(step for step in steps if step.path == parent))
            continue
        following = f"{last.path.rstrip('/')}/{part}"
        mount = host.get(private_mount, following)
        if mount is not None:
            steps.append(Step(following, None, None, mount))
            continue
        found = host.lstat(following)
        if found is None:
            return Walk(tuple(steps), (part, *reversed(todo)))
        if found.kind == "symlink":
            links += 1
            goal = host.link(following)
            if goal is None or links > MAX_LINKS:
                raise Unknown(f"cannot resolve {path}: too many levels of symbolic links")
            if goal.startswith("/"):
                steps.append(steps[0])
            todo += [step for step in reversed(goal.split("/")) if step not in ("", ".")]
        else:
            steps.append(_step(host, following, found))
    return Walk(tuple(steps))


def _step(host: Host, path: str, stat: Stat) -> Step:
    return Step(path, stat, host.xattr(path, ACCESS))


def _shuts_out_the_audit(host: Host, step: Step) -> bool:
    return host.get(is_mine) and not passes(step, Crosser(host.get(session_credentials)))


def private_mount(host: Host, path: str) -> Mount | None:
    """The FUSE mount without allow_other that a path is the root of, unless the asking process made
    it (fuse(8)).

    Everybody else gets EACCES there, root included.
    """
    mount = host.get(mount_of, path)
    if mount is None or mount.point != path or not mount.fstype.startswith("fuse"):
        return None
    if "allow_other" in mount.options or mount.fstype == "fusectl":
        return None
    if host.get(is_mine) and f"user_id={host.get(target).uid}" in mount.options:
        return None
    return mount


def passes(step: Step, crosser: Crosser, want: str = "x") -> bool:
    """Whether a process may search (or, with `want`, write) a directory."""
    if step.stat is None:
        return step.mount is not None and f"user_id={crosser.who.uid}" in step.mount.options
    if crosser.overrides(step.stat):
        return True
    return may(list(step.stat), step.acl, crosser.who, want)


def container_crosser(host: Host) -> Crosser | None:
    """Container root when lxc-start has mapped all ids; None when the config maps no root."""
    root = host.get(container_root)
    if root is None:
        return None
    return Crosser(root, host.get(_mapped, "uid"), host.get(_mapped, "gid"))


def template_crosser(host: Host) -> Crosser | None:
    """Container root while lxc-create runs a template: the user's own uid and gid are mapped, too.

    Source: lxc src/lxc/lxccontainer.c, create_run_template().
    """
    start = host.get(container_crosser)
    if start is None:
        return None
    uid, gid = host.get(target).uid, host.get(session_gid)
    return Crosser(start.who, (*start.uids, (uid, uid)), (*start.gids, (gid, gid)))


def _mapped(host: Host, kind: str) -> tuple[Range, ...]:
    return tuple((one.outside, one.last) for one in host.get(maps_of, kind))


def _within(ident: int, ranges: tuple[Range, ...]) -> bool:
    return any(first <= ident <= last for first, last in ranges)


def traversal(host: Host, path: str, crosser: Crosser) -> tuple[Obstacle, ...]:
    """The directories of a path, the path itself included, that a process may not pass.

    Directories that are not there yet are judged as lxc-create will make them. Raises Unknown when
    the audit cannot look behind a directory that is itself no obstacle.
    """
    way = host.get(walk, path)
    found = [
        Obstacle(step, reason(step, crosser))
        for step in dict.fromkeys((*way.steps, *host.get(predicted_steps, path)))
        if not passes(step, crosser)
    ]
    if not found and way.closed is not None:
        raise Unknown(f"cannot look behind {way.closed.path}")
    return tuple(found)


def predicted_steps(host: Host, path: str) -> tuple[Step, ...]:
    """The missing directories of a path as the user's session will make them: mkdir -p, mode 0755.

    The umask of the session counts unless the parent has a default ACL (acl(5)); a setgid parent
    gives its group.
    """
    way = host.get(walk, path)
    if way.steps[-1].stat is None or not way.missing:
        return ()
    mask, default_acl = host.get(umask), host.xattr(way.here, DEFAULT)
    steps = [way.steps[-1]]
    for name in way.missing:
        steps.append(_made_in(host, steps[-1], name, CREATE_MODE, mask, default_acl))
    return tuple(steps[1:])


def _made_in(
    host: Host, parent: Step, name: str, mode: int, mask: int, default_acl: str | None
) -> Step:
    """What mkdir(2) by the user's session makes."""
    above, who = parent.stat, host.get(session_credentials)
    assert above is not None
    setgid = above.mode & 0o2000
    bits, acl = inherited(mode, mask, default_acl)
    gid = above.gid if setgid else who.gid
    stat = Stat("directory", bits | setgid, who.uid, gid, 0, above.major, above.minor)
    return Step(f"{parent.path.rstrip('/')}/{name}", stat, acl, None, True)


def new_container_dir(host: Host, lxcpath: str) -> Step | None:
    """The directory of a new container below lxcpath, after lxc-create has given it to container
    root.

    lxc-create makes it with mode 0770 and umask 002, and leaves it to the container's uid and the
    session's gid (lxc src/lxc/lxccontainer.c, do_create_container_dir; src/lxc/conf.c,
    userns_exec_mapped_root). Where the directory came into being with another group (setgid above
    it), that gid is taken for one of the container's and the directory goes to the gid it stands
    for on the host. None when nothing can be looked at there, or no id is mapped.
    """
    way, root = host.get(walk, lxcpath), host.get(container_root)
    if way.steps[-1].stat is None or root is None:
        return None
    default_acl = host.xattr(way.here, DEFAULT)
    parent = (*way.steps, *host.get(predicted_steps, lxcpath))[-1]
    made = _made_in(host, parent, "NAME", CONTAINER_MODE, CONTAINER_UMASK, default_acl)
    if made.stat is None:
        return None
    gid = host.get(session_gid)
    if made.stat.gid != gid:
        gid = root.gid + made.stat.gid
    return made._replace(stat=made.stat._replace(uid=root.uid, gid=gid))


def inherited(mode: int, mask: int, default_acl: str | None) -> tuple[int, str | None]:
    """The mode and access ACL of a new directory (kernel fs/posix_acl.c, posix_acl_create_masq)."""
    entries = parse_acl(default_acl) if default_acl else ()
    if not entries:
        return mode & ~mask, None
    has_mask = any(entry.tag == _MASK for entry in entries)
    limit = {_USER_OBJ: mode >> 6, _OTHER: mode, _MASK if has_mask else _GROUP_OBJ: mode >> 3}
    new = [e._replace(perm=e.perm & limit.get(e.tag, 7)) for e in entries]
    perms = {entry.tag: entry.perm for entry in new if entry.tag in limit}
    group = perms.get(_MASK, perms.get(_GROUP_OBJ, 0))
    bits = perms.get(_USER_OBJ, 0) << 6 | group << 3 | perms.get(_OTHER, 0)
    return bits, encode_acl(tuple(new)) if len(new) > 3 else None


def encode_acl(entries: tuple[AclEntry, ...]) -> str:
    """The inverse of access.parse_acl."""
    packed = b"".join(struct.pack("<HHI", e.tag, e.perm, e.ident & 0xFFFFFFFF) for e in entries)
    return (struct.pack("<I", 2) + packed).hex()


def reason(step: Step, crosser: Crosser, want: str = "x") -> str:
    """Why `passes` said no, in words: the entry of the ACL or the bits of the mode that decide."""
    if step.stat is None:
        kind = step.mount.fstype if step.mount else "FUSE"
        return f"a {kind} mount without allow_other lets in nobody but the user who made it"
    stat, who, need = step.stat, crosser.who, sum(BITS[letter] for letter in want)
    entries = parse_acl(step.acl) if step.acl else ()
    mask = next((e.perm for e in entries if e.tag == _MASK), 7)
    shown = f"mode {stat.mode & 0o7777:04o}"
    if who.uid == stat.uid:
        return f"{shown} gives its owner no {want}"
    for entry in entries:
        if entry.tag == _USER and entry.ident == who.uid:
            return _entry_reason(f"user:{who.uid}", entry.perm, mask, need)
    named = [e for e in entries if e.tag == _GROUP and who.belongs(e.ident)]
    if named:
        return _entry_reason(f"group:{named[0].ident}", named[0].perm, mask, need)
    if who.belongs(stat.gid):
        group = next((e.perm for e in entries if e.tag == _GROUP_OBJ), stat.mode >> 3 & 7)
        if entries and group & need == need:
            return _entry_reason("group:", group, mask, need)
        others = "although others have it" if stat.mode & need == need else "nor have others"
        return f"{shown} gives its group {stat.gid} no {want}, {others}"
    return f"{shown}, owner {stat.uid}:{stat.gid}, gives others no {want}"


def _entry_reason(name: str, perm: int, mask: int, need: int) -> str:
    if perm & need == need and mask & need != need:
        return f"its ACL entry {name}:{letters(perm)} is cut by the mask {letters(mask)}"
    return f"its ACL entry {name}:{letters(perm)} forbids it"


def letters(perm: int) -> str:
    """5 -> `r-x`."""
    return "".join(letter if perm & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))


def uncreatable(host: Host, path: str, crosser: Crosser) -> Obstacle | None:
    """What keeps a process from making a directory with mkdir -p and then writing into it; None
    when nothing does.

    Raises Unknown when the audit cannot look behind a directory that is itself no obstacle.
    """
    way = host.get(walk, path)
    for step in way.steps:
        if not passes(step, crosser):
            return Obstacle(step, reason(step, crosser))
    if way.closed is not None:
        raise Unknown(f"cannot look behind {way.closed.path}")
    last = way.steps[-1]
    if last.stat is not None and last.stat.kind != "directory":
        return Obstacle(last, f"it is a {last.stat.kind}, not a directory")
    mount = host.get(mount_of, last.path)
    if mount is not None and mount.is_read_only:
        return Obstacle(last, f"{mount.point} is mounted read-only")
    if not passes(last, crosser, "wx"):
        return Obstacle(last, reason(last, crosser, "wx"))
    return None
