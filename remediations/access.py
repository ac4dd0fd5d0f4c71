"""Who may pass a directory or open a file: an ACL entry for exactly whom it takes.

`chmod o+x` would do as well, for everybody: CIS, STIG and Lynis object to it on home directories.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from audit.access import BITS, AclEntry, Credentials, may, parse_acl
from audit.facts.accounts import Account, local_accounts, local_groups, target
from audit.facts.executables import anywhere
from audit.facts.init import SYSTEMD, init_system
from audit.facts.mounts import mount_of
from audit.facts.paths import (
    ACCESS,
    Crosser,
    Obstacle,
    Step,
    container_crosser,
    encode_acl,
    passes,
    walk,
)
from audit.facts.places import user_crosser
from audit.host import Host, Stat
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import ROOT, Acl, Action, Append, Directory, Install, Manual, Mode
from remediations.distro import install
from remediations.homes import leads_home, spelled
from remediations.typed import typed

TRAVERSE, CLOSE = "acl_traverse", "close_home"
KEPT = "/etc/tmpfiles.d/lxc-preflight.conf"
# They take no POSIX ACL, whatever their options.
WITHOUT_ACLS = ("nfs4", "9p", "vfat", "exfat", "cifs", "smb3", "vboxsf")

_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


def traverse(host: Host, obstacles: Iterable[Obstacle], crosser: Crosser) -> Fix:
    """Let a process pass directories: an entry of its own in the ACL of each, and nothing for
    anybody else. Those that lxc-create would make are made.
    """
    found = [one.step for one in obstacles if one.step.stat is not None]
    made: list[Action] = []
    opened: list[Action] = []
    kept: list[Action] = []
    for step in found:
        assert step.stat is not None
        if step.predicted:
            made.append(Directory(step.path, step.stat.mode & 0o777, True))
        action = _open_directory(host, step, crosser)
        opened.append(action)
        if isinstance(action, Acl) and (line := _kept(host, step, action)) is not None:
            kept.append(line)
    tools = setfacl(host) if any(isinstance(one, Acl) for one in opened) else ()
    title = f"let uid {crosser.who.uid} pass {listed([step.path for step in found])}"
    return Fix(TRAVERSE, title, (*tools, *made, *opened, *kept))


def close(host: Host, step: Step, crosser: Crosser) -> Fix:
    """Open a directory to one uid alone: its own ACL entry, and nothing for others any more."""
    assert step.stat is not None
    uid = crosser.who.uid
    title = f"open {step.path} to uid {uid} alone"
    closed = Mode(step.path, step.stat.mode & ~0o007, is_theirs(host, step))
    if passes(step._replace(stat=step.stat._replace(mode=closed.mode)), Crosser(crosser.who)):
        return Fix(CLOSE, title, (closed,))
    action = Acl(step.path, f"{entries(step.stat, step.acl, uid)},o::---", closed.theirs)
    kept = _kept(host, step, action)
    return Fix(CLOSE, title, (*setfacl(host), action, *((kept,) if kept else ())))


def by_mode(host: Host, fix: Fix) -> Fix:
    """The same by `chmod o+x`, for everybody, wherever that lets the container's root pass."""
    if fix.id == CLOSE:
        return fix._replace(actions=())  # that it is open to everybody is what was chosen
    if fix.id != TRAVERSE:
        return fix
    try:
        crosser = host.get(container_crosser)
    except (Unknown, NotApplicable):
        return fix
    if crosser is None:
        return fix
    made = {one.path: one.mode for one in fix.actions if isinstance(one, Directory)}
    modes = {
        one: Mode(one.path, mode, one.theirs)
        for one in fix.actions
        if isinstance(one, Acl)
        and (mode := _open_to_all(host, one, crosser, made.get(one.path))) is not None
    }
    needless = tuple(f"a+ {tmpfiles_field(one.path)} " for one in modes)
    stays = any(isinstance(one, Acl) and one not in modes for one in fix.actions)
    actions = tuple(
        modes[one] if isinstance(one, Acl) and one in modes else one
        for one in fix.actions
        if not (isinstance(one, Append) and one.line.startswith(needless))
        and (stays or not isinstance(one, Install))
    )
    return fix._replace(actions=actions)


def open_to(
    path: str, stat: Stat, acl: str | None, who: Credentials, want: str, *, theirs: bool = False
) -> Action:
    """Let a user do `want` to a file that is meant for everybody: by its mode, and by an ACL entry
    where an ACL is what keeps the user out.
    """
    mode = stat.mode | sum(BITS[letter] for letter in want) * 0o111
    if may([*stat._replace(mode=mode)], acl, who, want):
        return Mode(path, mode, theirs)
    return Acl(path, entries(stat._replace(mode=mode), acl, who.uid, want), theirs)


def entries(stat: Stat, acl: str | None, uid: int, want: str = "x") -> str:
    """What setfacl -m has to be told so that a uid that is not the owner may do `want`.

    The mask is what ACL entries and the group come to at most. Where it has to be widened, entries
    that it has cut so far lose what it would give them.
    """
    need = sum(BITS[letter] for letter in want)
    found = parse_acl(acl) if acl else ()
    limit = stat.mode >> 3 & 7  # the mask, and the group's rights where there is none
    widened, gained = limit | need, need & ~limit
    own = next((e.perm for e in found if e.tag == _USER and e.ident == uid), 0) | need
    words = [f"u:{uid}:{_letters(own)}"]
    total = own
    for entry in found if any(e.tag == _MASK for e in found) else _minimal(stat):
        if entry.tag not in (_USER, _GROUP_OBJ, _GROUP) or (entry.tag, entry.ident) == (_USER, uid):
            continue
        perm = entry.perm & ~gained
        if perm != entry.perm:
            who = {_USER: f"u:{entry.ident}", _GROUP: f"g:{entry.ident}"}.get(entry.tag, "g:")
            words.append(f"{who}:{_letters(perm)}")
        total |= perm
    # setfacl makes the mask of all entries together, unless it is told another one.
    return ",".join([*words, f"m::{_letters(widened)}"] if total != widened else words)


def applied(stat: Stat, acl: str | None, text: str) -> tuple[int, str | None]:
    """Mode and access ACL after `setfacl -m text`, for entries as this module writes them."""
    known = {(e.tag, e.ident): e.perm for e in (parse_acl(acl) if acl else ())} or {
        (e.tag, e.ident): e.perm for e in _minimal(stat)
    }
    kinds = {"u": (_USER_OBJ, _USER), "g": (_GROUP_OBJ, _GROUP), "m": (_MASK, 0), "o": (_OTHER, 0)}
    masked = False
    for entry in text.split(","):
        kind, who, perms = entry.split(":")
        unnamed, named = kinds[kind]
        perm = sum(BITS.get(letter, 0) for letter in perms)
        known[(named, int(who)) if who else (unnamed, -1)] = perm
        masked = masked or kind == "m"
    groups = [perm for (tag, _), perm in known.items() if tag in (_USER, _GROUP_OBJ, _GROUP)]
    if not masked and len(known) > 3:
        known[_MASK, -1] = 0
        for perm in groups:
            known[_MASK, -1] |= perm
    middle = known.get((_MASK, -1), known[_GROUP_OBJ, -1])
    bits = known[_USER_OBJ, -1] << 6 | middle << 3 | known[_OTHER, -1]
    ordered = sorted(known.items())
    after = encode_acl(tuple(AclEntry(tag, perm, ident) for (tag, ident), perm in ordered))
    return stat.mode & 0o7000 | bits, after if len(known) > 3 else None


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def is_theirs(host: Host, step: Step) -> bool:
    """Whether the user's own rights do to change a directory: it owns it, and gets there.

    What lies in a home and belongs to somebody else takes root's, and library.sh then follows no
    symlink of the user's.
    """
    try:
        if step.stat is None or step.stat.uid != host.get(target).uid:
            return False
        user = host.get(user_crosser)
        above = step.path.rpartition("/")[0] or "/"
        return step.predicted or all(passes(one, user) for one in host.get(walk, above).steps)
    except (Unknown, NotApplicable):
        return False


def _open_directory(host: Host, step: Step, crosser: Crosser) -> Action:
    assert step.stat is not None
    stat, who, theirs = step.stat, crosser.who, is_theirs(host, step)
    place = step.path if theirs else spelled(host, step.path)
    action: Action
    if who.uid == stat.uid:
        action = Mode(place, stat.mode | 0o100, theirs)
    elif _takes_acls(host, step.path):
        action = Acl(place, entries(stat, step.acl, who.uid), theirs)
    else:
        trapped = who.belongs(stat.gid)
        action = Mode(place, stat.mode | (0o010 if trapped else 0o001), theirs)
    # The user says where the containers are: that must open nothing that is closed to the user.
    if leads_home(host, step.path) or theirs or passes(step, host.get(user_crosser)):
        return action
    return Manual(typed(action), ROOT)


def _takes_acls(host: Host, path: str) -> bool:
    try:
        mount = host.get(mount_of, path)
    except Unknown:
        return True
    return mount is None or (
        "noacl" not in mount.options | mount.flags and mount.fstype not in WITHOUT_ACLS
    )


def _open_to_all(host: Host, action: Acl, crosser: Crosser, made: int | None) -> int | None:
    """The mode with o+x, None where that would not let the container's root pass."""
    try:
        stat, acl = host.lstat(action.path), host.xattr(action.path, ACCESS)
    except Unknown:
        return None
    if stat is None and made is not None:
        account = host.get(target)
        stat, acl = Stat("directory", made, account.uid, account.gid, 0, 0, 0), None
    if stat is None:
        return None
    mode = stat.mode | 0o001
    opened = Step(action.path, stat._replace(mode=mode), acl)
    return mode if passes(opened, Crosser(crosser.who)) else None


def setfacl(host: Host) -> tuple[Action, ...]:
    """What brings setfacl, where it is known to be missing."""
    try:
        return () if host.get(anywhere, "setfacl") else install(host, "acl").actions
    except Unknown:
        return ()


def _kept(host: Host, step: Step, action: Acl) -> Append | None:
    """A line of tmpfiles.d(5) that renews the entry at every boot, because a later `chmod` cuts it.

    `a+` leaves a mask alone that is there, so the line has to name it; and then it must not give
    back to others what such a chmod took from them. None where systemd-tmpfiles does not run or
    would refuse: on a way on which ownership passes from one user to another.
    """
    assert step.stat is not None
    try:
        if host.get(init_system) != SYSTEMD or not _is_safe(host, step):
            return None
        mode, acl = applied(step.stat, step.acl, action.entries)
        mask = mode >> 3 & 7
        field = tmpfiles_field(step.path)
        named = [e for e in parse_acl(acl or "") if e.tag in (_USER, _GROUP)]
        if field is None or (mask != 1 and (len(named) > 1 or not _is_private(host, step.stat))):
            return None
    except (Unknown, NotApplicable):
        return None
    own = next(entry for entry in action.entries.split(",") if entry.startswith("u:"))
    return Append(KEPT, f"a+ {field} - - - - {own},m::{_letters(mask)}")


def _is_safe(host: Host, step: Step) -> bool:
    """Whether systemd-tmpfiles goes there: from root's directories to anybody's, and within one
    owner's (systemd src/basic/fs-util.c, unsafe_transition).
    """
    steps = [one for one in host.get(walk, step.path).steps if one.stat is not None]
    owners = [one.stat.uid for one in steps if one.stat is not None]
    assert step.stat is not None
    if step.predicted:
        owners.append(step.stat.uid)
    return all(above in (0, below) for above, below in pairwise(owners))


def _is_private(host: Host, stat: Stat) -> bool:
    """Whether the group of a directory is its owner's alone."""
    accounts: tuple[Account, ...] = host.get(local_accounts)
    inside = {one.uid for one in accounts if one.gid == stat.gid}
    named = {
        name for _, gid, members in host.get(local_groups) if gid == stat.gid for name in members
    }
    owner = {one.name for one in accounts if one.uid == stat.uid}
    return inside == {stat.uid} and named <= owner


def tmpfiles_field(path: str) -> str | None:
    """A path as a field of tmpfiles.d(5); None for one that it would take for a pattern."""
    if any(letter in "*?[]\\\"'" or not letter.isprintable() for letter in path):
        return None
    text = path.replace("%", "%%")
    return f'"{text}"' if " " in text else text


def _minimal(stat: Stat) -> tuple[AclEntry, ...]:
    """The ACL that a mode is."""
    return (
        AclEntry(_USER_OBJ, stat.mode >> 6 & 7, -1),
        AclEntry(_GROUP_OBJ, stat.mode >> 3 & 7, -1),
        AclEntry(_OTHER, stat.mode & 7, -1),
    )


def _letters(perm: int) -> str:
    text = "".join(letter for letter, bit in BITS.items() if perm & bit)
    return text or "---"
