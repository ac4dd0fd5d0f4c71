"""The running host: the only module that looks at it.

It runs as root over files that users control. So nothing here follows a planted path with more
rights than its owner has (`user_read`), opens what is not a regular file, reads without a bound, or
waits without a time-out.
"""

from __future__ import annotations

import errno
import os
import re
import stat as modes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from audit.model import Unknown
from audit.source import Answer
from audit.verbs import MAX_FILE

if TYPE_CHECKING:
    from audit.packages import Packages

ABSENT = (errno.ENOENT, errno.ENOTDIR)
SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RUN_SECONDS = 10
MAX_OUTPUT = 1024 * 1024
NS_MNT_GET_INFO = 0x8010B70A  # ioctl_nsfs(2)
TYPES = {
    modes.S_IFREG: "file",
    modes.S_IFDIR: "directory",
    modes.S_IFLNK: "symlink",
    modes.S_IFIFO: "FIFO",
    modes.S_IFSOCK: "socket",
    modes.S_IFCHR: "character device",
    modes.S_IFBLK: "block device",
}


class Live:
    """Answers about the host this process runs on."""

    kind = "live"

    def __init__(self, *, probes: bool = False) -> None:
        self.probes = probes
        self._packages: Packages | None = None
        self._searched: tuple[str, bytes] | None = None

    def ask(self, verb: str, *args: str) -> Answer:
        handler: Callable[..., Answer] | None = getattr(self, f"_{verb}", None)
        if handler is None:
            raise Unknown(f"a live host cannot be asked to {verb}")
        if any("\0" in arg for arg in args):  # no system call takes it, and Python raises
            raise Unknown(f"cannot {verb}: a NUL in {args[0]!r}")
        return handler(*args)

    def _read(self, path: str) -> Answer:
        try:
            return read_regular(path).decode("utf-8", "surrogateescape")
        except OSError as error:
            return absent_or_unknown(path, error)

    def _user_read(self, path: str, who: str) -> Answer:
        return self._as_user(
            who, path, lambda: read_regular(path).decode("utf-8", "surrogateescape")
        )

    def _user_list(self, path: str, who: str) -> Answer:
        return self._as_user(who, path, lambda: [*sorted(os.listdir(path))])

    def _as_user(self, who: str, path: str, look: Callable[[], Answer]) -> Answer:
        try:
            with credentials(who):
                return look()
        except NotRegular as why:
            # the user's program cannot read it either: that is known, whatever root could look at
            return {"denied": f"it is a {why.kind}"}
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                return {"denied": os.strerror(error.errno)}
            return absent_or_unknown(path, error)

    def _stat(self, path: str) -> Answer:
        return stat_answer(path, os.stat)

    def _lstat(self, path: str) -> Answer:
        return stat_answer(path, os.lstat)

    def _link(self, path: str) -> Answer:
        try:
            return os.readlink(path)
        except OSError as error:
            return None if error.errno == errno.EINVAL else absent_or_unknown(path, error)

    def _real(self, path: str) -> Answer:
        try:
            return os.path.realpath(path, strict=True)
        except OSError as error:
            return absent_or_unknown(path, error)

    def _list(self, path: str) -> Answer:
        try:
            return [*sorted(os.listdir(path))]
        except OSError as error:
            return absent_or_unknown(path, error)

    def _xattr(self, path: str, name: str) -> Answer:
        try:
            return os.getxattr(path, name).hex()
        except OSError as error:
            if error.errno in (errno.ENODATA, errno.EOPNOTSUPP):
                return None
            return absent_or_unknown(path, error)

    def _statvfs(self, path: str) -> Answer:
        try:
            s = os.statvfs(path)
        except OSError as error:
            return absent_or_unknown(path, error)
        percent = s.f_bavail * 100 // s.f_blocks if s.f_blocks else 100
        return [s.f_flag, s.f_bavail * s.f_frsize, s.f_favail, s.f_files, percent]

    def _search(self, path: str, pattern: str) -> Answer:
        # One library is searched for many things: it is read once.
        if self._searched is None or self._searched[0] != path:
            try:
                self._searched = (path, read_regular(path))
            except OSError as error:
                return absent_or_unknown(path, error)
        return search_bytes(self._searched[1], pattern)

    def _elf(self, path: str) -> Answer:
        from audit.elf import describe

        try:
            return describe(read_regular(path))
        except OSError as error:
            return absent_or_unknown(path, error)

    def _package(self, name: str) -> Answer:
        from audit.packages import Packages

        if self._packages is None:
            self._packages = Packages(self)
        return self._packages.version(name)

    def place(self, path: str) -> str | None:
        """Where a path of this host is found: there."""
        return path

    def _expiry(self, user: str) -> Answer:
        from audit.shadow import expiry

        text = self._read("/etc/shadow")
        return expiry(text, user) if isinstance(text, str) else None

    def _getent(self, database: str, key: str) -> Answer:
        ran = run_command("getent", "--", database, key)
        if ran["code"] == 2:
            return None
        if ran["code"] != 0:
            raise Unknown(f"getent {database} {key} failed: {ran['err'].strip() or ran['code']}")
        out: str = ran["out"]
        return out.partition("\n")[0] or None

    def _groups(self, user: str) -> Answer:
        ran = run_command("id", "-G", "--", user)
        if ran["code"] != 0:
            return None
        return [int(gid) for gid in ran["out"].split()]

    def _subids(self, kind: str, user: str) -> Answer:
        ran = run_command("getsubids", *(["-g"] if kind == "gid" else []), user)
        if ran["code"] != 0:
            return None
        rows = [line.split() for line in ran["out"].splitlines()]
        return [[int(row[2]), int(row[3])] for row in rows if len(row) >= 4]

    def _env(self, name: str) -> Answer:
        return os.environ.get(name)

    def _self(self) -> Answer:
        umask = os.umask(0)
        os.umask(umask)
        return {
            "uid": os.getuid(),
            "gid": os.getgid(),
            "groups": list(os.getgroups()),
            "umask": umask,
        }

    def _today(self) -> Answer:
        import time

        return int(time.time()) // 86400

    def _mounts(self) -> Answer:
        import fcntl
        import struct

        # struct mnt_ns_info of linux/nsfs.h: its size, the number of mounts, the namespace's id
        info = bytearray(struct.pack("IIQ", 16, 0, 0))
        try:
            with open("/proc/self/ns/mnt", "rb") as namespace:
                fcntl.ioctl(namespace, NS_MNT_GET_INFO, info)
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                return None
            return absent_or_unknown("/proc/self/ns/mnt", error)
        count: int = struct.unpack("IIQ", info)[1]
        return count

    def _uname(self) -> Answer:
        u = os.uname()
        return [u.sysname, u.nodename, u.release, u.machine]

    def _address(self, interface: str) -> Answer:
        import fcntl
        import socket
        import struct

        # a config names it: any bytes, though no interface is called so
        request = struct.pack("256s", os.fsencode(interface)[:15])
        found: list[Answer] = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for code in (0x8915, 0x891B):  # SIOCGIFADDR, SIOCGIFNETMASK: netdevice(7)
                try:
                    found.append(socket.inet_ntoa(fcntl.ioctl(probe, code, request)[20:24]))
                except OSError as error:
                    if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
                        return None
                    raise Unknown(
                        f"cannot ask for the address of {interface}: {error.strerror}"
                    ) from error
        return found

    def _run(self, *argv: str) -> Answer:
        ran: dict[str, Answer] = run_command(*argv)
        return ran

    def _probe(self, name: str, *args: str) -> Answer:
        if not self.probes:
            raise Unknown("not tried: give --probe")
        from audit.probes import run_probe

        return run_probe(name, *args)


class NotRegular(Unknown):
    """A directory, device, FIFO or socket where a file belongs; `kind` is the word for it."""

    def __init__(self, path: str, kind: str) -> None:
        super().__init__(f"{path} is a {kind}, not a regular file")
        self.kind = kind


def read_regular(path: str) -> bytes:
    """The whole of a regular file of at most MAX_FILE bytes.

    Raises OSError as open(2) does, Unknown for what is no regular file or is larger. Devices are
    never opened (opening a tape rewinds it), and O_NONBLOCK covers a file that turns into a FIFO
    between the two looks.
    """
    _demand_regular(path, os.stat(path))
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _demand_regular(path, os.fstat(fd))
        chunks: list[bytes] = []
        room = MAX_FILE + 1
        while room and (chunk := os.read(fd, min(room, 1 << 20))):
            chunks.append(chunk)
            room -= len(chunk)
    finally:
        os.close(fd)
    if not room:
        raise Unknown(f"{path} is larger than {MAX_FILE // 1024 // 1024} MiB: not read")
    return b"".join(chunks)


def _demand_regular(path: str, s: os.stat_result) -> None:
    kind = TYPES.get(modes.S_IFMT(s.st_mode), "special file")
    if kind != "file":
        raise NotRegular(path, kind)
    if s.st_size > MAX_FILE:
        raise Unknown(f"{path} is larger than {MAX_FILE // 1024 // 1024} MiB: not read")


def absent_or_unknown(path: str, error: OSError) -> Answer:
    """None for what is not there; Unknown for everything else."""
    if error.errno in ABSENT:
        return None
    raise Unknown(f"cannot look at {path}: {os.strerror(error.errno or 0)}") from error


def stat_answer(path: str, look: Callable[[str], os.stat_result]) -> Answer:
    try:
        s = look(path)
    except OSError as error:
        return absent_or_unknown(path, error)
    kind = TYPES.get(modes.S_IFMT(s.st_mode), "special file")
    return [
        kind,
        modes.S_IMODE(s.st_mode),
        s.st_uid,
        s.st_gid,
        s.st_size,
        os.major(s.st_dev),
        os.minor(s.st_dev),
    ]


def search_bytes(data: bytes, pattern: str) -> Answer:
    found = re.finditer(pattern.encode(), data, re.DOTALL)
    return [
        [(group or b"").decode("utf-8", "surrogateescape") for group in match.groups()]
        for match in found
    ]


@contextmanager
def credentials(who: str) -> Iterator[None]:
    """Act with another user's effective uid, gid and groups: the kernel itself decides what may be
    read.

    Raises Unknown when this process may not become that user.
    """
    uid, gid, groups = who.split(":")
    if os.geteuid() == int(uid):
        yield
        return
    if os.geteuid() != 0:
        raise Unknown(f"only root or uid {uid} can look at this user's files")
    before, group_before = os.getgroups(), os.getegid()
    try:
        try:
            os.setgroups([int(g) for g in groups.split(",") if g])
            os.setegid(int(gid))
            os.seteuid(int(uid))
        except OSError as error:  # in a container the id need not exist; that is no denied file
            raise Unknown(f"cannot become uid {uid}: {error.strerror}") from error
        yield
    finally:
        os.seteuid(0)
        os.setegid(group_before)
        with suppress(PermissionError):  # where setgroups is forbidden, nothing was changed
            os.setgroups(before)


def run_command(*argv: str) -> dict[str, Any]:
    """Run a read-only command with a fixed environment.

    Raises Unknown when it is missing or does not end.
    """
    import subprocess

    env = {"LC_ALL": "C", "PATH": SAFE_PATH}
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Unknown(f"{argv[0]} is not installed") from None
    except OSError as error:
        raise Unknown(f"cannot run {argv[0]}: {error.strerror}") from error
    try:
        out, err = process.communicate(timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        raise Unknown(f"{' '.join(argv)} did not answer within {RUN_SECONDS} seconds") from None
    return {
        "code": process.returncode,
        "out": out[:MAX_OUTPUT].decode("utf-8", "surrogateescape"),
        "err": err[:MAX_OUTPUT].decode("utf-8", "surrogateescape"),
    }
