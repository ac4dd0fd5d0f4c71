"""Installed plugins: entry points of the groups `lxc_preflight.checks` and
`lxc_preflight.renderers`.

    [project.entry-points."lxc_preflight.checks"]
    acme = "acme_lxc.checks"

The entry names a module or package that is searched like our own checks/. The ids of its checks
begin with the entry's name: acme_lxc/checks/storage/quota.py is acme.storage.quota. A plugin that
cannot be loaded becomes a finding (plugin.acme), because a gate that lost its checks is no gate.

A renderer is a module with `render` and `SUFFIX`, as reports/ has them; the entry's name is the
format's. reports/__init__.py takes it in.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from audit.model import Check, Finding, Level
from audit.records import NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from audit.host import Host

GROUP = "lxc_preflight.checks"
RENDERERS = "lxc_preflight.renderers"
NAME = re.compile(r"[a-z][a-z0-9_]*")
ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
MAX_METADATA = 1 << 20


class Plugins(NamedTuple):
    """What was found: every check by id (one that only says why stands for each that failed to
    load), and "name (distribution version)" of each plugin.
    """

    checks: dict[str, Check]
    names: tuple[str, ...]


def load(builtin: Mapping[str, Check]) -> Plugins:
    """The checks of every installed plugin."""
    if not any_installed():
        return Plugins({}, ())
    # Not at the top: 35 ms that only a machine with plugins pays.
    from importlib.metadata import entry_points

    checks: dict[str, Check] = {}
    names: list[str] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        names.append(described(entry))
        try:
            found = _checks_of(entry, {**builtin, **checks})
        except KeyboardInterrupt:
            raise
        except BaseException as crash:  # a stranger's module may raise anything at import
            found = _failed(entry, crash, taken=checks)
        checks.update(found)
    return Plugins(checks, tuple(names))


def renderers() -> dict[str, EntryPoint]:
    """The entries of plugins' renderers by the name of the format; nothing is loaded yet."""
    if not any_installed(RENDERERS):
        return {}
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=RENDERERS)}


def any_installed(group: str = GROUP) -> bool:
    """Whether the metadata of any distribution on sys.path mentions a group of ours.

    Reads entry_points.txt where importlib.metadata would look, in a millisecond.
    """
    return any(group.encode() in _beginning(path) for path in _entry_point_files())


def _entry_point_files() -> Iterator[str]:
    for directory in dict.fromkeys(sys.path):
        try:
            names = os.listdir(directory or ".")
        except OSError:  # a zip file, or nothing there
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield os.path.join(directory, name, "entry_points.txt")


def _beginning(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, MAX_METADATA)
    except OSError:
        return b""
    finally:
        os.close(fd)


def described(entry: EntryPoint) -> str:
    if entry.dist is None:
        return entry.name
    return f"{entry.name} ({entry.dist.name} {entry.dist.version})"


def _checks_of(entry: EntryPoint, known: Mapping[str, Check]) -> dict[str, Check]:
    """The checks of one plugin under their new ids; raises whatever the plugin raises, and
    ValueError for what cannot be taken in.
    """
    from audit.engine import in_order
    from audit.registry import collect

    name = entry.name.replace("-", "_")
    if not NAME.fullmatch(name):
        raise ValueError(
            f"the entry point is called {entry.name!r}, which is no beginning of an id"
        )
    if any(one.area == name for one in known.values()):
        raise ValueError(f"{name} is the name of an area of checks or of another plugin")
    module = entry.load()
    if not isinstance(module, ModuleType):
        raise TypeError(f"{entry.value} is no module with checks")
    own = {_id_below(module, one): one for one in collect(module).values()}
    if not own:
        raise ValueError(f"{entry.value} holds no checks")
    renamed = {one.id: f"{name}.{below}" for below, one in own.items()}
    checks: dict[str, Check] = {}
    for below, one in own.items():
        check = one._replace(
            id=f"{name}.{below}",
            level=Level(one.level),
            after=tuple(renamed.get(parent, parent) for parent in one.after),
            aliases=tuple(f"{name}.{alias}" for alias in one.aliases),
        )
        if not ID.fullmatch(check.id):
            raise ValueError(f"{check.id!r} is no id: lower case letters, digits, _ and dots")
        checks[check.id] = check
    in_order({**known, **checks})
    return checks


def _id_below(module: ModuleType, check: Check) -> str:
    """A check's id without the name of the plugin's package."""
    return check.id.removeprefix(f"{module.__name__}.").rpartition("checks.")[2]


def _failed(
    entry: EntryPoint, crash: BaseException, taken: Mapping[str, Check]
) -> dict[str, Check]:
    from audit.engine import crashed

    finding = crashed(crash)

    def judge(host: Host) -> Iterator[Finding]:
        yield finding

    name = re.sub(r"[^a-z0-9_]", "_", entry.name.lower()) or "_"
    while f"plugin.{name}" in taken:
        name += "_"
    title = f"The plugin {described(entry)} can be loaded"
    doc = f"""The plugin is installed and its checks take part in the audit.

    Why: a gate that silently lost some of its checks is no gate.
    See: the entry point {entry.name} = {entry.value}; --no-plugins leaves all of them out
    """
    return {f"plugin.{name}": Check(f"plugin.{name}", title, Level.BLOCKING, judge, doc)}
