"""Kernel modules: is a feature in this kernel now, or will it load by itself when somebody asks for
it?

LXC never calls modprobe. Making a veth pair makes the kernel ask for `rtnl-link-veth`, an alias; so
a `blacklist` line, which modprobe.d(5) says applies to aliases only, is enough to keep it away."""

from __future__ import annotations

import re

from audit.facts.kconfig import kconfig
from audit.facts.kernel import MODULE_TREES, cmdline, release_text
from audit.facts.sysctl import sysctl
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

# modprobe.d(5): a name in an earlier directory hides the same name in a later one.
BLOCK_DIRECTORIES = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
)
# Programs that do nothing: `install NAME /bin/false` is how hardening guides switch a module off.
DO_NOTHING = ("false", "true", ":", "nologin")

PRESENT = ("loaded", "builtin", "loadable")


class ModuleState(NamedTuple):
    """`state`: loaded, builtin, loadable, blocked, unloadable (the files of this kernel are gone)
    or missing.
    """

    state: str
    source: str  # where that stands
    line: int | None
    observed: str

    @property
    def is_available(self) -> bool:
        return self.state in PRESENT


class Block(NamedTuple):
    """A line that keeps a module from loading."""

    module: str
    source: str
    line: int | None
    text: str


def plain(name: str) -> str:
    """Module names as the kernel has them: a dash is an underscore."""
    return name.replace("-", "_")


def module_tree(host: Host) -> str | None:
    """The directory of the running kernel's modules, None when it is gone."""
    name = host.get(release_text)
    for tree in MODULE_TREES:
        path = f"{tree}/{name}"
        if (found := host.stat(path)) is not None and found.kind == "directory":
            return path
    return None


def module_available(host: Host, name: str, option: str, symbol: str) -> ModuleState:
    """Whether the feature `name` (built by CONFIG_`option`) is there or comes when it is needed.

    `symbol` is a function of the feature that /proc/kallsyms lists when it is built in or loaded:
    the last resort where no build configuration can be read. Raises Unknown when nothing tells."""
    name = plain(name)
    if host.source.kind != "root" and _is_loaded(host, name):
        return ModuleState("loaded", "/proc/modules", None, name)
    value: str | None
    try:
        config = host.get(kconfig)
        value, exact = config.value(option), config.exact
    except Unknown:
        return _without_config(host, name, symbol)
    seen = (config.path, (config.entry(option) or (None, ""))[0], config.line(option))
    if value == "y" and exact:
        return ModuleState("builtin", *seen)
    if value == "m":
        return _loadable(host, name) or ModuleState("missing", *seen)
    if exact:
        return ModuleState("missing", *seen)
    return _without_config(host, name, symbol)


def _is_loaded(host: Host, name: str) -> bool:
    found = host.search("/proc/modules", rf"(?m)^({re.escape(name)}) ")
    return bool(found)


def _without_config(host: Host, name: str, symbol: str) -> ModuleState:
    found = _loadable(host, name)
    if found is not None and found.state != "unloadable":
        return found
    if host.source.kind == "root":
        if found is None:
            raise Unknown(
                f"no build configuration, no list of modules: {name} may be in the kernel or not"
            )
        return found
    names = host.search("/proc/kallsyms", rf"(?m)^[0-9a-f]+ \w ({re.escape(symbol)})(?:\.\S*)?\s")
    if names is None:
        raise Unknown(
            f"neither a build configuration nor /proc/kallsyms: {name} may be in the kernel or not"
        )
    if names:
        return ModuleState("builtin", "/proc/kallsyms", None, symbol)
    return found or ModuleState(
        "missing", "/proc/kallsyms", None, f"no symbol {symbol}, no module {name}"
    )


def _loadable(host: Host, name: str) -> ModuleState | None:
    """State of a module by the lists of the running kernel's module tree; None when they do not
    know it.
    """
    tree = host.get(module_tree)
    if tree is None:
        where = f"{MODULE_TREES[0]}/{host.get(release_text)}"
        return ModuleState("unloadable", where, None, "no such directory")
    pattern = re.sub("_", "[-_]", re.escape(name))
    file = rf"(?m)^(\S*?{pattern}\.ko(?:\.[a-z0-9]+)?)"
    if _first(host.search(f"{tree}/modules.builtin", rf"(?m)^((?:\S*/)?{pattern}\.ko)\s*$")):
        return ModuleState("builtin", f"{tree}/modules.builtin", None, name)
    found = host.search(f"{tree}/modules.dep", rf"{file}:")
    if not (path := _exact(found, name)):
        return None
    blocked = host.get(block_of, name)
    if blocked is not None:
        return ModuleState("blocked", blocked.source, blocked.line, blocked.text)
    return ModuleState("loadable", f"{tree}/modules.dep", None, path)


def _first(rows: tuple[tuple[str, ...], ...] | None) -> str:
    return rows[0][0] if rows else ""


def _exact(rows: tuple[tuple[str, ...], ...] | None, name: str) -> str:
    """Of the matches, the file whose base name is the module."""
    for row in rows or ():
        if plain(row[0].rpartition("/")[2].partition(".ko")[0]) == name:
            return row[0]
    return ""


def block_of(host: Host, name: str) -> Block | None:
    """What keeps a module that is not loaded yet from loading, None when nothing does."""
    if host.source.kind != "root":
        if host.get(sysctl, "kernel.modules_disabled") == "1":
            path = "/proc/sys/kernel/modules_disabled"
            return Block(name, path, None, "1: no module can be loaded until the next boot")
        for word in host.get(cmdline):
            key, _, value = word.partition("=")
            if key in ("modprobe.blacklist", "module_blacklist") and name in map(
                plain, value.split(",")
            ):
                return Block(name, "/proc/cmdline", None, word)
            if key == "nomodule":
                return Block(name, "/proc/cmdline", None, word)
    for block in host.get(blocks):
        if block.module == name:
            return block
    return None


def blocks(host: Host) -> tuple[Block, ...]:
    """The lines of modprobe.d(5) that keep modules from loading by themselves."""
    files: dict[str, str] = {}
    for directory in BLOCK_DIRECTORIES:
        if directory.startswith("/run/") and host.source.kind == "root":
            continue
        for file in host.list(directory) or ():
            if file.endswith(".conf"):
                files.setdefault(file, f"{directory}/{file}")
    found: list[Block] = []
    for file in sorted(files):
        path = files[file]
        if host.link(path) == "/dev/null":
            continue
        found.extend(parse_blocks(path, host.read(path) or ""))
    return tuple(found)


def parse_blocks(path: str, text: str) -> list[Block]:
    """`blacklist NAME` and `install NAME /bin/false` lines of one file, backslash continuations
    joined.
    """
    found: list[Block] = []
    number = 0
    joined = ""
    for number, raw in enumerate(text.split("\n"), 1):
        if raw.endswith("\\"):
            joined += raw[:-1] + " "
            continue
        words = (joined + raw).split()
        joined = ""
        if (len(words) >= 2 and words[0] == "blacklist") or (
            len(words) >= 3
            and words[0] == "install"
            and words[2].rpartition("/")[2].rstrip(";") in DO_NOTHING
        ):
            found.append(Block(plain(words[1]), path, number, " ".join(words)))
    return found
