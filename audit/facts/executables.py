"""Which program liblxc runs for the user, and what privilege the kernel gives it.

liblxc walks $PATH itself (src/lxc/utils.c, on_path) and asks access(2) for X_OK, so a directory of
that name counts as a hit and relative entries depend on the working directory of a later
lxc-start: nobody knows it, they are skipped.
"""

from __future__ import annotations

import struct

from audit.access import Credentials, may
from audit.facts.session import search_path, session_credentials
from audit.host import Host, Stat
from audit.records import NamedTuple

SETUID = 0o4000
CAP_SETGID, CAP_SETUID = 6, 7
CAPABILITIES = {CAP_SETGID: "cap_setgid", CAP_SETUID: "cap_setuid"}
MAX_LINKS = 40  # path_resolution(7)
USUAL = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin")

_ACL = "system.posix_acl_access"
# linux/capability.h: struct vfs_cap_data and vfs_ns_cap_data; revision -> (32-bit words, bytes)
_REVISIONS = {0x01000000: (1, 12), 0x02000000: (2, 20), 0x03000000: (2, 24)}


class FileCaps(NamedTuple):
    """File capabilities (capabilities(7)): bit sets, and the effective flag.

    `rootid` is the uid that must be root of the namespace for them to count; 0 for all but
    revision 3.
    """

    permitted: int
    inheritable: int
    effective: bool
    rootid: int = 0

    def has(self, capability: int) -> bool:
        return bool(self.permitted >> capability & 1)


class Executable(NamedTuple):
    """A file on the user's PATH. `path` is how the PATH has it, `real` has no symlinks."""

    path: str
    real: str
    stat: Stat
    caps: FileCaps | None
    runnable: bool  # access(2) with X_OK succeeds for the user

    @property
    def is_setuid(self) -> bool:
        return bool(self.stat.mode & SETUID)


def parse_file_caps(xattr: str) -> FileCaps | None:
    """`security.capability` in hexadecimal; None for what the kernel does not take as
    capabilities.
    """
    raw = bytes.fromhex(xattr)
    if len(raw) < 4:
        return None
    magic = struct.unpack_from("<I", raw)[0]
    words, size = _REVISIONS.get(magic & 0xFF000000, (0, -1))
    if len(raw) != size:
        return None
    permitted = inheritable = 0
    for word in range(words):
        low, kept = struct.unpack_from("<II", raw, 4 + 8 * word)
        permitted |= low << 32 * word
        inheritable |= kept << 32 * word
    rootid = struct.unpack_from("<I", raw, 20)[0] if size == 24 else 0
    return FileCaps(permitted, inheritable, bool(magic & 1), rootid)


def may_search(host: Host, directory: str, who: Credentials) -> bool:
    """Whether `who` may pass a directory: x by mode and ACL. The path has no symlinks."""
    return may(host.ask("stat", directory), host.ask("xattr", directory, _ACL), who, "x")


def resolve(host: Host, path: str, who: Credentials) -> str | None:
    """An absolute path with its symlinks resolved as a process of `who` resolves it.

    None when it is not there or when a directory on the way may not be passed; nothing behind such
    a directory is looked at.
    """
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    here = "/"
    links = 0
    while todo:
        if not host.get(may_search, here, who):
            return None
        part = todo.pop()
        if part == "..":
            here = here.rpartition("/")[0] or "/"
            continue
        following = f"{here.rstrip('/')}/{part}"
        found = host.lstat(following)
        if found is None:
            return None
        if found.kind != "symlink":
            here = following
            if todo and found.kind != "directory":
                return None
            continue
        links += 1
        goal = host.link(following)
        if goal is None or links > MAX_LINKS:
            return None
        if goal.startswith("/"):
            here = "/"
        todo += [step for step in reversed(goal.split("/")) if step not in ("", ".")]
    return here


def anywhere(host: Host, name: str) -> str | None:
    """A program in one of the directories where distributions and `make install` put programs,
    whoever may run it; the PATH of no user counts.
    """
    return next((p for d in USUAL if host.stat(p := f"{d}/{name}") is not None), None)


def candidates(host: Host, name: str) -> tuple[Executable, ...]:
    """Every file of that name on the PATH of the user's session, in its order, runnable by the
    user or not.
    """
    who = host.get(session_credentials)
    found: list[Executable] = []
    for directory in dict.fromkeys(host.get(search_path)):
        if not directory.startswith("/"):
            continue
        inside = host.get(resolve, directory, who)
        real = None if inside is None else host.get(resolve, f"{inside.rstrip('/')}/{name}", who)
        stat = None if real is None else host.stat(real)
        if real is None or stat is None:
            continue
        caps = host.xattr(real, "security.capability")
        runnable = may(list(stat), host.xattr(real, _ACL), who, "x")
        path = f"{directory.rstrip('/')}/{name}"
        found.append(
            Executable(path, real, stat, parse_file_caps(caps) if caps else None, runnable)
        )
    return tuple(found)


def lacks(host: Host, one: Executable, capability: int, uid: int) -> str:
    """Why a helper run by `uid` would not have a capability; empty when it would.

    Leaves out what the mount and the session decide (nosuid, no_new_privs). With file capabilities
    the kernel gives nothing but these, even to a setuid root file (security/commoncap.c,
    handle_privileged_root).
    """
    caps = one.caps
    if one.stat.kind != "file":
        return f"it is a {one.stat.kind}"
    if caps is None or caps.rootid != 0:
        if not one.is_setuid:
            other = "" if caps is None else f" (its capabilities are for root {caps.rootid})"
            return f"it is neither setuid root nor has it file capabilities{other}"
        return "" if one.stat.uid == 0 else f"it is setuid, but its owner is uid {one.stat.uid}"
    if not caps.has(capability):
        return f"its file capabilities lack {CAPABILITIES[capability]}"
    if one.is_setuid and one.stat.uid not in (0, uid):
        return f"it is setuid, but its owner is uid {one.stat.uid}"
    if (one.is_setuid and one.stat.uid == 0) and not _sets_capabilities(host, one.real):
        return "it is setuid root and has file capabilities, which then are all it gets"
    if not caps.effective and not (one.is_setuid and _sets_capabilities(host, one.real)):
        return f"{CAPABILITIES[capability]} is permitted, but not effective"
    return ""


def _sets_capabilities(host: Host, path: str) -> bool:
    """Whether a newuidmap was built with libcap, and so raises its own capabilities (shadow
    lib/idmapping.c).
    """
    return bool(host.search(path, "(Could not set caps)"))


def satisfies_liblxc(one: Executable) -> bool:
    """Whether liblxc takes a helper for privileged (src/lxc/conf.c,
    idmaptool_on_path_and_privileged).

    It looks for setuid, whoever the owner is, or for either of the two capabilities, whichever
    helper it is.
    """
    caps = one.caps
    return one.is_setuid or (
        caps is not None and caps.effective and (caps.has(CAP_SETUID) or caps.has(CAP_SETGID))
    )


def which(host: Host, name: str) -> Executable | None:
    """The file that liblxc takes for a program: the first on the user's PATH that the user may
    execute.

    None when there is none. Raises Unknown where the PATH or a file on it could not be looked at.
    """
    return next((one for one in host.get(candidates, name) if one.runnable), None)
