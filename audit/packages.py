"""The installed version of a package, out of the databases of dpkg, rpm, pacman, apk and portage.

Reading one takes a millisecond where asking its tool takes thirty; and a directory tree has no tool
to ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from audit.model import Unknown
from audit.source import Answer

# What a check calls a piece of software -> database -> its packages, the likeliest first.
# A name that is not listed is a package of that name in every database.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "shadow": {
        "dpkg": ("uidmap", "passwd"),
        "rpm": ("shadow-utils", "shadow"),
        "apk": ("shadow-subids", "shadow-uidmap", "shadow"),
        "portage": ("sys-apps/shadow",),
    },
    "lxc": {
        "dpkg": ("lxc", "lxc-utils", "lxc1"),
        "portage": ("app-containers/lxc", "app-emulation/lxc"),
    },
    "liblxc": {
        "dpkg": ("liblxc1t64", "liblxc1"),
        "rpm": ("lxc-libs", "liblxc1"),
        "pacman": ("lxc",),
        "apk": ("lxc-libs", "lxc"),
        "portage": ("app-containers/lxc", "app-emulation/lxc"),
    },
    "lxc-templates": {
        "pacman": ("lxc",),
        "portage": ("app-containers/lxc", "app-containers/lxc-templates"),
    },
    "lxcfs": {"portage": ("sys-fs/lxcfs",)},
    "systemd": {"portage": ("sys-apps/systemd",)},
    "openrc": {"portage": ("sys-apps/openrc",)},
    "elogind": {"portage": ("sys-auth/elogind",)},
    "libcgroup": {
        "dpkg": ("cgroup-tools",),
        "rpm": ("libcgroup-tools",),
        "apk": ("libcgroup", "cgroup-tools"),
        "portage": ("dev-libs/libcgroup",),
    },
    "libpam-cgfs": {
        "rpm": ("pam_cgfs", "lxc-libs"),
        "apk": ("lxc-pam",),
    },
    "busybox": {
        "dpkg": ("busybox-static", "busybox"),
        "apk": ("busybox-static", "busybox"),
        "portage": ("sys-apps/busybox",),
    },
    "dnsmasq": {"dpkg": ("dnsmasq-base",), "portage": ("net-dns/dnsmasq",)},
    "pam": {
        "dpkg": ("libpam-modules",),
        "apk": ("linux-pam",),
        "portage": ("sys-libs/pam",),
    },
    "acl": {"portage": ("sys-apps/acl",)},
}

DPKG = "/var/lib/dpkg/status"
PACMAN = "/var/lib/pacman/local"
APK = ("/usr/lib/apk/db/installed", "/lib/apk/db/installed")
PORTAGE = "/var/db/pkg"
RPM = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
RPM_OTHER = ("Packages.db", "Packages")  # ndb and Berkeley DB: no reader but rpm itself

# dpkg(1): with these states the package's files are not on the disk
DPKG_GONE = ("not-installed", "config-files", "half-installed")

# PMS 3.2: version and revision behind a package's name
PORTAGE_NAME = re.compile(r"(.+)-(\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)\d*)*)(?:-r\d+)?")


class Files(Protocol):
    """A source whose files lie on this machine: the running host or a directory tree."""

    def ask(self, verb: str, *args: str) -> Answer: ...

    def place(self, path: str) -> str | None:
        """Where a path of that host is found on this machine; None when it is not there."""
        ...


def installed_version(source: Files, name: str) -> str | None:
    """One answer of `Packages`, for callers that ask once."""
    return Packages(source).version(name)


class Packages:
    """A host's package databases; each is read at most once."""

    def __init__(self, source: Files) -> None:
        self._source = source
        self._texts: dict[str, str | None] = {}
        self._lists: dict[str, tuple[str, ...] | None] = {}

    def version(self, name: str) -> str | None:
        """The upstream version of an installed package, without epoch and distribution's revision.

        None when a database could be read and none of them knows the package as installed. Raises
        Unknown when there is no database, or when the only ones that might know cannot be read.
        """
        seen = False
        why: Unknown | None = None
        for database, look in self._databases():
            try:
                known, version = look(NAMES.get(name, {}).get(database, (name,)))
            except Unknown as unknown:
                why = why or unknown
                continue
            if version:
                return version
            seen = seen or known
        if why is not None:
            raise why
        if not seen:
            raise Unknown("this host has no package database that is understood here")
        return None

    def _databases(self) -> tuple[tuple[str, Callable[[tuple[str, ...]], tuple[bool, str]]], ...]:
        return (
            ("dpkg", self._dpkg),
            ("rpm", self._rpm),
            ("pacman", self._pacman),
            ("apk", self._apk),
            ("portage", self._portage),
        )

    # Each of these answers (is there such a database, the version or nothing).

    def _dpkg(self, names: tuple[str, ...]) -> tuple[bool, str]:
        text = self._text(DPKG)
        if text is None:
            return False, ""
        return True, first(dpkg_version(text, name) for name in names)

    def _apk(self, names: tuple[str, ...]) -> tuple[bool, str]:
        text = next((text for path in APK if (text := self._text(path)) is not None), None)
        if text is None:
            return False, ""
        return True, first(apk_version(text, name) for name in names)

    def _pacman(self, names: tuple[str, ...]) -> tuple[bool, str]:
        entries = self._list(PACMAN)
        if entries is None:
            return False, ""
        versions = {}
        for entry in entries:
            package, _, rest = entry.rpartition("-")
            package, _, version = package.rpartition("-")
            if rest and version:
                versions[package] = upstream(version)
        return True, first(versions.get(name, "") for name in names)

    def _portage(self, names: tuple[str, ...]) -> tuple[bool, str]:
        categories = self._list(PORTAGE)
        if categories is None:
            return False, ""
        return True, first(self._ebuild(categories, name) for name in names)

    def _ebuild(self, categories: tuple[str, ...], name: str) -> str:
        wanted, _, package = name.rpartition("/")
        for category in categories if not wanted else (wanted,):
            for entry in self._list(f"{PORTAGE}/{category}") or ():
                match = PORTAGE_NAME.fullmatch(entry)
                if match and match[1] == package:
                    return match[2]
        return ""

    def _rpm(self, names: tuple[str, ...]) -> tuple[bool, str]:
        for directory in RPM:
            path = f"{directory}/rpmdb.sqlite"
            if self._source.ask("stat", path) is not None:
                if self._is_empty(f"{path}-wal"):
                    return True, self._rpm_sqlite(path, names)
                return True, self._rpm_tool(names)
            if any(self._source.ask("stat", f"{directory}/{other}") for other in RPM_OTHER):
                return True, self._rpm_tool(names)
        return False, ""

    def _is_empty(self, path: str) -> bool:
        """No write-ahead log, or an empty one: the database file is all there is to know."""
        stat = self._source.ask("stat", path)
        return not isinstance(stat, list) or stat[4] == 0

    def _rpm_sqlite(self, path: str, names: tuple[str, ...]) -> str:
        import sqlite3
        from contextlib import closing
        from urllib.parse import quote

        stat, place = self._source.ask("stat", path), self._source.place(path)
        if place is None or not isinstance(stat, list) or stat[0] != "file":
            raise Unknown(f"{path} is not a regular file")
        try:
            # immutable: no lock, no -shm beside it; an audit writes nothing
            uri = f"file:{quote(place)}?mode=ro&immutable=1"
            with closing(sqlite3.connect(uri, uri=True)) as database:
                for name in names:
                    rows = database.execute(
                        "SELECT blob FROM Packages WHERE hnum IN"
                        " (SELECT hnum FROM Name WHERE key = ?) ORDER BY hnum DESC",
                        (name,),
                    ).fetchall()
                    for (blob,) in rows:
                        return rpm_version(blob)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise Unknown(f"cannot read {path}: {error}") from error
        return ""

    def _rpm_tool(self, names: tuple[str, ...]) -> str:
        for name in names:
            ran = self._source.ask("run", "rpm", "-q", "--queryformat", "%{VERSION}\n", "--", name)
            if isinstance(ran, dict) and ran["code"] == 0:
                return str(ran["out"]).split("\n")[0]
        return ""

    def _text(self, path: str) -> str | None:
        if path not in self._texts:
            answer = self._source.ask("read", path)
            self._texts[path] = answer if isinstance(answer, str) else None
        return self._texts[path]

    def _list(self, path: str) -> tuple[str, ...] | None:
        if path not in self._lists:
            answer = self._source.ask("list", path)
            names = tuple(str(name) for name in answer) if isinstance(answer, list) else None
            self._lists[path] = names
        return self._lists[path]


def first(versions: Iterable[str]) -> str:
    """The first version that is not "", or ""."""
    return next((version for version in versions if version), "")


def dpkg_version(status: str, name: str) -> str:
    """The version of an installed package in dpkg's status file, "" when it is not installed."""
    for stanza in stanzas(status, f"Package: {name}\n"):
        fields = dict(line.partition(": ")[::2] for line in stanza.split("\n"))
        state = fields.get("Status", "").split()
        if state and state[-1] not in DPKG_GONE and fields.get("Version"):
            return upstream(fields["Version"].strip())
    return ""


def apk_version(installed: str, name: str) -> str:
    """The version of a package in apk's database of installed packages, "" when it is not there."""
    for stanza in stanzas(installed, f"P:{name}\n"):
        for line in stanza.split("\n"):
            if line.startswith("V:"):
                return re.sub(r"-r\d+$", "", line[2:].strip())
    return ""


def stanzas(text: str, line: str) -> list[str]:
    """The paragraphs that hold a line. The text is searched and never split: it is large."""
    found: list[str] = []
    at = 0
    while (at := text.find(line, at)) >= 0:
        if at == 0 or text[at - 1] == "\n":
            start = text.rfind("\n\n", 0, at) + 1
            end = text.find("\n\n", at)
            found.append(text[start : end if end >= 0 else len(text)])
        at += len(line)
    return found


def upstream(version: str) -> str:
    """A Debian or Arch version without epoch, revision and suffix: 1:4.13+dfsg1-1 -> 4.13."""
    version = version.partition(":")[2] if ":" in version else version
    version = version.rpartition("-")[0] if "-" in version else version
    if "+really" in version:
        return version.partition("+really")[2]
    return version.partition("+")[0]


def rpm_version(header: bytes) -> str:
    """The VERSION of an rpm header as the database keeps it. Raises ValueError when it is none.

    Two big-endian counts, that many index entries of four words (tag, type, offset, count),
    then the data.
    """
    import struct

    try:
        entries, size = struct.unpack_from(">II", header)
        data = 8 + 16 * entries
        if data + size > len(header):
            raise ValueError("truncated rpm header")
        for tag, kind, offset, _ in struct.iter_unpack(">IIiI", header[8:data]):
            if tag == 1001 and kind == 6 and 0 <= offset < size:  # RPMTAG_VERSION, a string
                end = header.index(b"\0", data + offset)
                return header[data + offset : end].decode("utf-8", "replace")
    except struct.error as error:
        raise ValueError(f"malformed rpm header: {error}") from error
    raise ValueError("rpm header without a version")
