"""The container config that is judged, read as liblxc reads it.

Source: LXC src/lxc/parse.c (lxc_file_for_each_line_mmap) and src/lxc/confile.c (parse_line).
liblxc stops at the first line it refuses, and then nothing of the config can be used; here the
remaining lines are read nevertheless, so that independent causes can all be named.
"""

from __future__ import annotations

import re

from audit.facts.configkeys import KEYS, STRICT_SINCE, Key, Version
from audit.facts.configvalues import CAPS_EXCLUDE, State, is_unclear, refusal
from audit.facts.lxc import constants, lxc_version
from audit.facts.lxcconf import default_config_path, lxcpath
from audit.facts.session import home_dir, variable
from audit.facts.userfiles import Denied, user_list, user_read
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

# No config nests deeper than a few levels; liblxc runs out of descriptors, two for each level.
_MAX_DEPTH = 50
_MAX_FILES = 2000
# A report names this many lines of one kind: LXC stops at the first anyway.
MAX_SHOWN = 20
# Keys that hold one value, of those that a person may well write twice.
SCALARS = frozenset(
    (
        "lxc.uts.name",
        "lxc.rootfs.path",
        "lxc.apparmor.profile",
        "lxc.seccomp.profile",
        "lxc.init.cmd",
        "lxc.arch",
        "lxc.tty.max",
        "lxc.pty.max",
        "lxc.net.0.type",
        "lxc.net.0.link",
        "lxc.net.0.hwaddr",
        "lxc.net.1.type",
        "lxc.net.1.link",
        "lxc.log.file",
        "lxc.log.level",
        "lxc.start.auto",
    )
)
# `lxc.GROUP =` clears the whole group.
_GROUPS = ("cgroup", "cgroup2", "hook", "prlimit", "proc", "sysctl")
_NET = re.compile(r"lxc\.net\.([^.]*)\.(.*)", re.DOTALL)


class Entry(NamedTuple):
    """One accepted line: `key = value`, the file it stands in and the line number there."""

    key: str
    value: str
    file: str
    line: int

    @property
    def text(self) -> str:
        """The line as LXC understood it."""
        return f"{self.key} = {self.value}"


class Problem(NamedTuple):
    """A line, or a whole file (line 0), that makes liblxc refuse the config."""

    file: str
    line: int
    text: str
    why: str
    kind: str  # "missing", "denied", "include", "syntax", "key", "value" or "unclear"

    @property
    def key(self) -> str:
        """What stands before the equals sign."""
        return self.text.partition("=")[0].rstrip(" \t")


class Config(NamedTuple):
    """A container config with all it includes; `entries` in the order in which liblxc sees them."""

    path: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    includes: tuple[str, ...]  # every file and directory that was named and looked into
    live: tuple[Entry, ...] = ()  # entries that no later empty value has cleared

    def last(self, key: str) -> Entry | None:
        """The entry that decides a scalar: the last one, None when it is unset or cleared."""
        for entry in reversed(self.live):
            if entry.key == key:
                return entry
        return None

    def get(self, key: str) -> str | None:
        """The value of a scalar: the last one, None when it is unset or cleared."""
        entry = self.last(key)
        return None if entry is None else entry.value

    def all(self, key: str) -> tuple[Entry, ...]:
        """The entries of a key that adds up (lxc.idmap, lxc.mount.entry), cleared ones left out."""
        return tuple(entry for entry in self.live if entry.key == key)

    def below(self, prefix: str) -> tuple[Entry, ...]:
        """The entries whose key begins with `prefix` ("lxc.net."), cleared ones left out."""
        return tuple(entry for entry in self.live if entry.key.startswith(prefix))


class Line(NamedTuple):
    """A line that liblxc acts on: its number and text, key and value when it has an equals sign."""

    number: int
    text: str
    key: str | None
    value: str


def config_lines(text: str) -> tuple[Line, ...]:
    """The lines of a config that are neither empty, nor comments, nor foreign.

    A file ends at its first NUL, `\\r` ends a line as `\\n` does, blanks are spaces and tabs, one
    pair of quotes around a value is taken off, and what does not begin with "lxc." is ignored.
    """
    lines: list[Line] = []
    number = 1
    for raw in re.split(r"([\r\n])", text.partition("\0")[0]):
        if raw == "\n":
            number += 1
            continue
        line = raw.lstrip(" \t")
        if not line.startswith("lxc."):
            continue
        key, equals, value = line.partition("=")
        if equals:
            lines.append(Line(number, line, key.rstrip(" \t"), _unquoted(value.strip(" \t"))))
        else:
            lines.append(Line(number, line, None, ""))
    return tuple(lines)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        return value[1:-1]
    return value


def key_of(name: str, version: Version) -> Key | None:
    """The row of LXC's table that a key belongs to in a release, None when that release refuses it.

    `lxc.net.0.type` is looked up as `lxc.net.type`; the number is judged with the value.
    """
    parts = _NET.fullmatch(name)
    wanted = f"lxc.net.{parts[2]}" if parts else name
    strict = version >= STRICT_SINCE
    found: Key | None = None
    for key in _table(version):
        if key.name in ("lxc.net.", "lxc.net") and parts:
            continue
        if key.name.startswith("lxc.net.") and not parts and key.name != "lxc.net.":
            continue
        matches = wanted == key.name if key.strict and strict else wanted.startswith(key.name)
        if matches and (found is None or len(key.name) > len(found.name)):
            found = key
    return found


_TABLES: dict[Version, tuple[Key, ...]] = {}


def _table(version: Version) -> tuple[Key, ...]:
    if version not in _TABLES:
        _TABLES[version] = tuple(
            key
            for key in KEYS
            if key.since <= version and (key.until is None or version < key.until)
        )
    return _TABLES[version]


def config_path(host: Host) -> str:
    """The file that is judged: the container's with -n, the one given with -f, else the default."""
    if host.request.container is not None:
        return f"{host.get(lxcpath)}/{host.request.container}/config"
    if host.request.config is not None:
        return _from_home(host, host.request.config)
    return host.get(default_config_path)


def _from_home(host: Host, path: str) -> str:
    """A relative path is looked up from where a login session begins: the home directory."""
    return path if path.startswith("/") else f"{host.get(home_dir)}/{path}"


def container_config(host: Host) -> Config:
    """The judged config and everything it includes.

    Raises Unknown where the host could not be looked at; what LXC would refuse is in `problems`.
    """
    return host.get(config_at, host.get(config_path))


def config_at(host: Host, path: str) -> Config:
    """Any config and everything it includes, as `container_config`."""
    reader = _Reader(host, host.get(lxc_version))
    reader.file(path, None)
    entries = tuple(reader.entries)
    return Config(
        path,
        entries,
        tuple(reader.problems),
        tuple(reader.includes),
        _without_cleared(entries, reader.version),
    )


class _Reader:
    """One run over a config and its includes."""

    def __init__(self, host: Host, version: Version) -> None:
        self.host = host
        self.version = version
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self.includes: list[str] = []
        self._stack: list[str] = []
        self._files = 0
        self._state = State(version, host.get(constants).without)
        self._keys: dict[str, Key | None] = {}

    def file(self, path: str, named: Problem | None) -> None:
        """Read one file. `named` is the line that includes it, None for the judged config."""
        where = named or Problem(path, 0, "", "", "missing")
        if path in self._stack or len(self._stack) >= _MAX_DEPTH:
            self.problems.append(where._replace(why=f"{path} includes itself", kind="include"))
            return
        if named is not None:
            self.includes.append(path)
        self._files += 1
        if self._files > _MAX_FILES:
            raise Unknown(f"{self._stack[0]} includes more than {_MAX_FILES} files")
        text = "" if path == "/dev/null" else self.host.get(user_read, path)
        if text is None:
            kind = "include" if named else "missing"
            self.problems.append(where._replace(why=f"{path} does not exist", kind=kind))
        elif isinstance(text, Denied):
            kind = "include" if named else "denied"
            self.problems.append(
                where._replace(why=f"the user may not read {path}: {text.reason}", kind=kind)
            )
        else:
            self._stack.append(path)
            for line in config_lines(text):
                self._line(path, line)
            self._stack.pop()

    def _line(self, path: str, line: Line) -> None:
        bad = Problem(path, line.number, line.text, "", "syntax")
        if line.key is None:
            self.problems.append(bad._replace(why="the line has no ="))
            return
        if line.key not in self._keys:
            self._keys[line.key] = key_of(line.key, self.version)
        key = self._keys[line.key]
        if key is None:
            self.problems.append(bad._replace(why=f"{line.key} is no key of this LXC", kind="key"))
            return
        if is_unclear(key, line.value, self.version):
            chance = f"{line.value!r} is no number, and LXC refuses it or not as chance has it"
            self.problems.append(bad._replace(why=chance, kind="unclear"))
            return
        why = self._refusal(key, line)
        if why is not None:
            self.problems.append(bad._replace(why=why, kind="value"))
            return
        self.entries.append(Entry(_normal(line.key), line.value, path, line.number))
        if key.setter == "includefiles" and line.value:
            self._include(line.value, bad)

    def _refusal(self, key: Key, line: Line) -> str | None:
        name = line.key or ""
        if key.setter.startswith("environment") and line.value and "=" not in line.value:
            # LXC copies a variable of its own environment, and refuses the config without it.
            if self.host.get(variable, line.value) is None:
                return f"{line.value} is not set in the session: write {name} = {line.value}=VALUE"
            return None
        return refusal(key, name, line.value, self._state)

    def _include(self, value: str, named: Problem) -> None:
        path = _from_home(self.host, value)
        found = self.host.stat(path)
        if not value.endswith("/") and (found is None or found.kind != "directory"):
            self.file(path, named)
            return
        self.includes.append(path)
        names = self.host.get(user_list, path)
        if isinstance(names, Denied):
            why = f"the user may not list {path}: {names.reason}"
            self.problems.append(named._replace(why=why, kind="include"))
            return
        # LXC takes them in the directory's own order; a missing directory is no error.
        for name in names or ():
            if len(name) >= 6 and name.endswith(".conf"):
                self.file(f"{path.rstrip('/')}/{name}", named)


def _normal(key: str) -> str:
    """`lxc.net.00.type` is `lxc.net.0.type`."""
    parts = _NET.fullmatch(key)
    return f"lxc.net.{int(parts[1])}.{parts[2]}" if parts else key


def _without_cleared(entries: tuple[Entry, ...], version: Version) -> tuple[Entry, ...]:
    """Leave out what a later `key =` clears, which for some keys is a whole group."""
    cleared: dict[str, int] = {}
    for place, entry in enumerate(entries):
        if not entry.value:
            cleared[entry.key] = place
    return tuple(
        entry
        for place, entry in enumerate(entries)
        if entry.value
        and all(cleared.get(name, -1) < place for name in _cleared_by(entry.key, version))
    )


def _cleared_by(key: str, version: Version) -> tuple[str, ...]:
    """The keys whose empty value clears `key`."""
    parts = key.split(".", 3)
    if parts[1] == "net" and len(parts) > 3:
        interface = f"lxc.net.{parts[2]}"
        return key, "lxc.net", interface, f"{interface}.type"
    if key in ("lxc.cap.drop", "lxc.cap.keep") and version >= CAPS_EXCLUDE:
        return "lxc.cap.drop", "lxc.cap.keep"
    if parts[1] in _GROUPS and len(parts) > 2:
        return key, f"lxc.{parts[1]}"
    return (key,)


def problems(host: Host, *kinds: str) -> tuple[Problem, ...]:
    """What makes LXC refuse the judged config, of some kinds, in the order of the files."""
    found = host.get(container_config).problems
    return tuple(problem for problem in found if problem.kind in kinds)
