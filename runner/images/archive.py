"""What is in an image's archives, found out before anybody unpacks them.

lxc-create unpacks as the container's root, and in a user namespace in which the user's own ids are
mapped too: so what escapes from the root file system would land in the user's home. And `templates`
names files that are edited with those rights, and hooks in an image's config run on the host.
Nothing of that is taken from an image unseen.
"""

from __future__ import annotations

import lzma
import posixpath
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

from audit.facts.config import config_lines
from audit.records import NamedTuple
from runner.errors import Failed
from runner.images.kinds import Metadata

MAX_MEMBERS = 500_000
MAX_META = 1 << 20  # bytes of one metadata file
MAX_LINKS = 40
# What lxc-local reads, with the suffix for user namespaces first.
META_FILES = ("config-user", "config", "templates-user", "templates", "create-message", "expiry")
INITS = ("sbin/init", "usr/sbin/init", "init")
# A template line may name only files of the guest's configuration.
TEMPLATE = re.compile(r"etc(/[A-Za-z0-9_][A-Za-z0-9_.@-]*)+")
INCLUDE = re.compile(
    r"LXC_TEMPLATE_CONFIG/[A-Za-z0-9_-]+\.(common|userns)\.conf"
    r"|LXC_TEMPLATE_CONFIG/(common|userns|nesting|oci)\.conf"
)
# Keys that an image may set: they describe the guest, and reach nothing outside of it.
HARMLESS = (
    "lxc.arch",
    "lxc.cap.drop",
    "lxc.environment",
    "lxc.init.cmd",
    "lxc.init.uid",
    "lxc.init.gid",
    "lxc.init.cwd",
    "lxc.pty.max",
    "lxc.tty.max",
    "lxc.tty.dir",
    "lxc.autodev",
    "lxc.signal.halt",
    "lxc.signal.reboot",
    "lxc.signal.stop",
)


class Survey(NamedTuple):
    """What a root file system's archive holds."""

    members: int
    size: int  # bytes once unpacked
    systemd: bool  # whether its init is systemd
    devices: tuple[str, ...]  # nodes that a user namespace cannot make
    has_init: bool


@contextmanager
def _reading(path: str) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r|*") as archive:
            yield archive
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise Failed(f"cannot read {path}: {error.strerror}") from None
        raise Failed(f"{path} is damaged, or no archive: {error}") from None


def survey(path: str) -> Survey:
    """Read a root file system's archive through. Raises Failed for one that is damaged or that
    would put something outside of the place it is unpacked to.
    """
    links: dict[str, str] = {}
    devices: list[str] = []
    files: set[str] = set()
    count = size = 0
    with _reading(path) as archive:
        for member in archive:
            count += 1
            if count > MAX_MEMBERS:
                raise Failed(f"{path} has more than {MAX_MEMBERS} members")
            name = _inside(member.name, path)
            if member.islnk():
                _inside(member.linkname, path)
            if any(parent in links for parent in _parents(name)):
                raise Failed(f"{path}: {name!r} would be unpacked through a symbolic link")
            if member.issym():
                links[name] = member.linkname
            elif member.ischr() or member.isblk():
                devices.append(member.name)
            else:
                links.pop(name, None)
                files.add(name)
            size += member.size if member.isreg() else 0
            archive.members = []  # type: ignore[attr-defined]  # not to be kept in memory
    if not count:
        raise Failed(f"{path} is an empty archive")
    init = next((found for start in INITS if (found := _resolve(start, links, files))), "")
    return Survey(count, size, init.endswith("/systemd"), tuple(devices), bool(init))


def _inside(name: str, path: str) -> str:
    """A member's name, normalised. Raises Failed for an absolute one and for one with `..`."""
    if name.startswith("/") or ".." in name.split("/"):
        raise Failed(f"{path}: {name!r} leads out of the root file system")
    return posixpath.normpath(name)


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _resolve(name: str, links: dict[str, str], files: set[str]) -> str:
    """Where a path leads inside of the archive, empty when it leads nowhere."""
    todo = name.split("/")[::-1]
    done: list[str] = []
    for _ in range(MAX_LINKS * 8):
        if not todo:
            found = "/".join(done)
            return found if found in files else ""
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        here = "/".join((*done, part))
        if here not in links:
            done.append(part)
            continue
        goal = links[here]
        if goal.startswith("/"):
            done = []
        todo += goal.split("/")[::-1]
    return ""


# systemd(1), "power off". By default LXC sends "halt"; that starts a unit, for which systemd cannot
# make a cgroup any more when it has unmounted all, and so the container stands still until it is
# killed.
POWER_OFF = "SIGRTMIN+4"


def metadata(path: str) -> Metadata:
    """An image's metadata, as far as it is harmless. Raises Failed when it is damaged or has no
    config (LXC issue 4325: a week of such images).
    """
    found: dict[str, str] = {}
    with _reading(path) as archive:
        for count, member in enumerate(archive):
            if count > 1000:
                raise Failed(f"{path} has more than 1000 members")
            name = posixpath.normpath(member.name)
            if name in META_FILES and member.isreg() and member.size <= MAX_META:
                content = archive.extractfile(member)
                data = b"" if content is None else content.read()
                found[name] = data.decode("utf-8", "backslashreplace")
    config = found.get("config-user", found.get("config"))
    if config is None:
        raise Failed(f"{path} has no config in it: the server published a broken image")
    lines, left_out = harmless(config)
    wanted = found.get("templates-user", found.get("templates", "")).split()
    templates = [name for name in wanted if TEMPLATE.fullmatch(name.lstrip("/"))]
    left_out += [f"templates: {name}" for name in wanted if name not in templates]
    expiry = found.get("expiry", "").strip()
    return Metadata(
        "\n".join(lines),
        tuple(name.lstrip("/") for name in templates),
        found.get("create-message", ""),
        int(expiry) if expiry.isdecimal() and len(expiry) < 12 else None,
        tuple(left_out),
    )


def for_guest(meta: Metadata, found: Survey) -> Metadata:
    """The metadata with the signal that really stops this guest, unless it names one."""
    if not found.systemd or "lxc.signal.halt" in meta.config:
        return meta
    return meta._replace(config=f"{meta.config}\nlxc.signal.halt = {POWER_OFF}")


def harmless(config: str) -> tuple[list[str], list[str]]:
    """The lines of an image's config that are taken over, and those that are not."""
    kept: list[str] = []
    dropped: list[str] = []
    for line in config_lines(config):
        words = f"{line.key} = {line.value}" if line.key else line.text
        if line.key == "lxc.include":
            good = INCLUDE.fullmatch(line.value) is not None
        else:
            good = line.key in HARMLESS and line.value.isprintable()
        (kept if good else dropped).append(words)
    return kept, dropped
