"""Root trees of distributions that cannot be booted here: constructed, never recorded.

A distribution is one TOML file. Its states add up: `fresh` (installed, with an ordinary account and
nothing of LXC), `lxc` (its packages of LXC, as they ship) and `manual` (set up for the account as
its manual says). Every file and package names its source, a key of the table `sources`.

Programs and libraries are stand-ins: their names, owners, modes, capabilities and the strings that
the audit looks for are the distribution's, their code is not there. What could not be verified
is left out, and listed under `unverified`.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from audit.host import Host, Request
from audit.source import Answer, Question, Refused
from tests.remediations.law4 import Entry, Tree

DIRECTORY = Path(__file__).parent
STATES = ("fresh", "lxc", "manual")
USER = "alice"
UID = 1000
HEAD = "# Constructed, not recorded: "
PROGRAM = "#!/bin/sh\n# a stand-in\n"
CAPABILITIES = {"cap_setgid": 6, "cap_setuid": 7}


class Package(NamedTuple):
    name: str
    version: str
    source: str


class File(NamedTuple):
    """A file, link or directory (a path with a slash at its end) of a tree."""

    path: str
    source: str
    text: str = ""
    link: str = ""
    strings: tuple[str, ...] = ()  # of a program or library that the audit searches
    program: bool = False
    mode: int | None = None
    mine: bool = False  # the account's
    capability: str = ""

    def entry(self) -> Entry:
        text: str | bytes = self.text
        if self.strings:
            text = b"\0".join((b"\x7fELF", *(one.encode() for one in self.strings), b""))
        elif self.program:
            text = PROGRAM
        usual = 0o755 if self.program else None
        owner = UID if self.mine else 0
        return Entry(text, self.mode or usual, owner, owner, self.link)


class Expected(NamedTuple):
    """What an audit of one state says: the blocking causes, the degraded ones; and of the script
    that cures them the commands, and what it makes of the tree.
    """

    state: str
    template: str
    without: tuple[str, ...]  # sources whose packages and files are not there, and paths
    causes: frozenset[str]
    degraded: frozenset[str]
    commands: tuple[str, ...]
    files: Mapping[str, str]  # after the script: a line of each
    left: frozenset[str]  # what takes more than the files of a tree, so that the script leaves it


class Distribution(NamedTuple):
    """One TOML file."""

    key: str
    title: str
    made_from: str
    database: str  # dpkg, rpm, pacman, apk or portage
    family: str
    init: str
    sources: Mapping[str, str]
    unverified: tuple[str, ...]
    facts: Mapping[str, Any]
    files: Mapping[str, tuple[File, ...]]
    packages: Mapping[str, tuple[Package, ...]]
    expected: tuple[Expected, ...]


def names() -> list[str]:
    return sorted(path.stem for path in DIRECTORY.glob("*.toml"))


@cache
def distribution(key: str) -> Distribution:
    data = _data(key)
    about = data["about"]
    return Distribution(
        key,
        about["title"],
        about["from"],
        about["database"],
        about["family"],
        about["init"],
        data["sources"],
        tuple(about.get("unverified", ())),
        data.get("facts", {}),
        {state: tuple(_files(data.get(state, {}))) for state in STATES},
        {state: tuple(_packages(data.get(state, {}))) for state in STATES},
        tuple(_expected(one) for one in data["expect"]),
    )


def _data(key: str) -> dict[str, Any]:
    """A file, on top of the one that it extends."""
    own: dict[str, Any] = tomllib.loads((DIRECTORY / f"{key}.toml").read_text())
    base = own["about"].get("extends")
    return own if base is None else _on_top(_data(base), own, own["about"]["drops"])


def _on_top(base: Mapping[str, Any], own: Mapping[str, Any], drops: list[str]) -> dict[str, Any]:
    found = {**base, **own}
    for table in ("about", "sources", "facts"):
        kept = {key: value for key, value in base[table].items() if key not in drops}
        found[table] = kept | own.get(table, {})
    for state in STATES:
        theirs, ours = base.get(state, {}), own.get(state, {})
        files = [one for one in theirs.get("file", ()) if one["source"] not in drops]
        found[state] = {"file": files + ours.get("file", [])}
        for table in ("packages", "programs"):
            kept = {key: one for key, one in theirs.get(table, {}).items() if key not in drops}
            found[state][table] = kept | ours.get(table, {})
    return found


def _files(state: Mapping[str, Any]) -> Iterator[File]:
    for one in state.get("file", ()):
        mode = int(one["mode"], 8) if "mode" in one else None
        yield File(**{**one, "mode": mode, "strings": tuple(one.get("strings", ()))})
    for source, paths in state.get("programs", {}).items():
        for path in paths:
            yield File(path, source, program=True)


def _packages(state: Mapping[str, Any]) -> Iterator[Package]:
    for source, versions in state.get("packages", {}).items():
        for name, version in versions.items():
            yield Package(name, version, source)


def _expected(one: Mapping[str, Any]) -> Expected:
    return Expected(
        one["state"],
        one.get("template", "download"),
        tuple(one.get("without", ())),
        frozenset(one.get("causes", ())),
        frozenset(one.get("degraded", ())),
        tuple(one.get("commands", ())),
        one.get("files", {}),
        frozenset(one.get("left", ())),
    )


def up_to(state: str) -> tuple[str, ...]:
    """The states that one is made of."""
    return STATES[: STATES.index(state) + 1]


class Constructed(Tree):
    """A distribution in one of its states, in a directory."""

    def __init__(self, place: Path, key: str, state: str, without: tuple[str, ...] = ()) -> None:
        found = distribution(key)
        files = {
            one.path: one
            for name in up_to(state)
            for one in found.files[name]
            if not {one.source, one.path} & set(without)
        }
        ordered = sorted(files.values(), key=lambda one: bool(one.link))  # what links lead to first
        super().__init__(place, {one.path: one.entry() for one in ordered})
        for path, one in files.items():
            if one.capability:
                value = file_capability(CAPABILITIES[one.capability])
                os.setxattr(self.place / path.strip("/"), "security.capability", value)
        packages = {
            one.name: one.version
            for name in up_to(state)
            for one in found.packages[name]
            if one.source not in without
        }
        DATABASES[found.database](self, packages)

    def host(
        self,
        answers: Mapping[Question, Answer | Refused] | None = None,
        request: Request | None = None,
    ) -> Host:
        return super().host(answers, request or Request(USER))


def file_capability(number: int) -> bytes:
    """`setcap cap_X=ep`: struct vfs_cap_data of linux/capability.h, revision 2."""
    return struct.pack("<IIIII", 0x02000001, 1 << number, 0, 0, 0)


def dpkg(tree: Tree, packages: Mapping[str, str]) -> None:
    """dpkg(1), /var/lib/dpkg/status."""
    stanza = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"
    text = "".join(stanza.format(*one) for one in packages.items())
    tree.add("/var/lib/dpkg/status", Entry(text))


def apk(tree: Tree, packages: Mapping[str, str]) -> None:
    """apk-tools src/database.c, /lib/apk/db/installed."""
    text = "".join(f"P:{name}\nV:{version}\n\n" for name, version in packages.items())
    tree.add("/lib/apk/db/installed", Entry(text))


def pacman(tree: Tree, packages: Mapping[str, str]) -> None:
    """libalpm be_local.c: a directory for each package below /var/lib/pacman/local."""
    for name, version in packages.items():
        desc = f"%NAME%\n{name}\n\n%VERSION%\n{version}\n\n"
        tree.add(f"/var/lib/pacman/local/{name}-{version}/desc", Entry(desc))


def portage(tree: Tree, packages: Mapping[str, str]) -> None:
    """portage(5), /var/db/pkg: a directory for each package."""
    for name, version in packages.items():
        category, _, package = name.partition("/")
        where = f"/var/db/pkg/{category}/{package}-{version}"
        tree.add(f"{where}/PF", Entry(f"{package}-{version}\n"))
        tree.add(f"{where}/CATEGORY", Entry(f"{category}\n"))


def rpm(tree: Tree, packages: Mapping[str, str]) -> None:
    """rpm lib/backend/sqlite.c, /usr/lib/sysimage/rpm/rpmdb.sqlite."""
    tree.add("/usr/lib/sysimage/rpm/", Entry())
    with closing(sqlite3.connect(tree.place / "usr/lib/sysimage/rpm/rpmdb.sqlite")) as database:
        database.execute(
            "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
        )
        database.execute(
            "CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL,"
            " FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))"
        )
        for number, (name, version) in enumerate(packages.items(), 1):
            database.execute("INSERT INTO Packages VALUES (?, ?)", (number, header(name, version)))
            database.execute("INSERT INTO Name VALUES (?, ?, 0)", (name, number))
        database.commit()


def header(name: str, version: str) -> bytes:
    """A header of rpm's file format with a name, a version and a release (tags 1000 to 1002)."""
    parts = (name, *version.rpartition(":")[2].split("-"))
    data, entries = b"", b""
    for tag, text in zip((1000, 1001, 1002), parts, strict=True):
        entries += struct.pack(">IIiI", tag, 6, len(data), 1)
        data += text.encode() + b"\0"
    return struct.pack(">II", 3, len(data)) + entries + data


DATABASES: Mapping[str, Callable[[Tree, Mapping[str, str]], None]] = {
    "dpkg": dpkg,
    "apk": apk,
    "pacman": pacman,
    "portage": portage,
    "rpm": rpm,
}
