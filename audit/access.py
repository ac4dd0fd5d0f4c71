"""Who may do what with a file: acl(5) and path_resolution(7), decided from stat and getxattr."""

from __future__ import annotations

import struct

from audit.records import NamedTuple
from audit.source import Answer

BITS = {"r": 4, "w": 2, "x": 1}
# linux/posix_acl_xattr.h: a version word, then (tag, perm, id) triples
_ACL_VERSION = 2
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


class Credentials(NamedTuple):
    """A process as the kernel sees it when it checks a path."""

    uid: int
    gid: int
    groups: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, who: str) -> Credentials:
        """Read `uid:gid:gid,gid,...`."""
        uid, gid, groups = who.split(":")
        return cls(int(uid), int(gid), frozenset(int(g) for g in groups.split(",") if g))

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}:{','.join(str(g) for g in sorted(self.groups))}"

    def belongs(self, gid: int) -> bool:
        return gid == self.gid or gid in self.groups


class AclEntry(NamedTuple):
    """One line of getfacl(1); `perm` is 0..7, `ident` a uid or gid (-1 where it has none)."""

    tag: int
    perm: int
    ident: int


def parse_acl(xattr: str) -> tuple[AclEntry, ...]:
    """`system.posix_acl_access` in hexadecimal -> its entries.

    Empty when it is no ACL that a kernel writes.
    """
    raw = bytes.fromhex(xattr)
    if len(raw) < 4 or (len(raw) - 4) % 8 or struct.unpack_from("<I", raw)[0] != _ACL_VERSION:
        return ()
    triples = struct.iter_unpack("<HHI", raw[4:])
    return tuple(
        AclEntry(tag, perm, -1 if ident == 0xFFFFFFFF else ident) for tag, perm, ident in triples
    )


def may(stat: Answer, acl: Answer, who: Credentials, want: str) -> bool:
    """May `who`, with no capability over this file, do `want` (letters of "rwx") to it?

    `stat` and `acl` are answers of the verbs `stat` and `xattr`. The order is that of acl(5),
    "ACCESS CHECK ALGORITHM": the first class that matches decides, so o+x does not help a group
    that lacks x.
    """
    if not isinstance(stat, list):
        return False
    mode, owner, group = (int(str(n)) for n in stat[1:4])
    need = sum(BITS[letter] for letter in want)
    # Where the group bits, which are the mask of an ACL, are all clear, the kernel does not look at
    # the ACL at all (fs/namei.c, acl_permission_check): a masked user gets what others get.
    entries = parse_acl(acl) if isinstance(acl, str) and mode & 0o070 else ()
    if who.uid == owner:
        return (mode >> 6) & need == need
    mask = next((e.perm for e in entries if e.tag == _MASK), 7)
    for entry in entries:
        if entry.tag == _USER and entry.ident == who.uid:
            return entry.perm & mask & need == need
    groups = [e.perm & mask for e in entries if e.tag == _GROUP and who.belongs(e.ident)]
    if who.belongs(group):
        # With an ACL the group bits of the mode are the mask; the owning group has its own entry.
        groups.append(
            next((e.perm & mask for e in entries if e.tag == _GROUP_OBJ), (mode >> 3) & 7)
        )
    if groups:
        return any(perm & need == need for perm in groups)
    return mode & need == need
