"""systemd's units as PID 1 resolves them, and what a user manager is delegated.

Sources: systemd.unit(5), src/basic/path-lookup.c, src/shared/dropin.c, src/core/load-fragment.c
(config_parse_delegate), pam_systemd(8).
"""

from __future__ import annotations

import re

from audit.facts.accounts import target
from audit.facts.cgroup import (
    HYBRID,
    LEGACY,
    ROOT,
    UNIFIED,
    cgroup_layout,
    root_controllers,
    words,
)
from audit.facts.init import SYSTEMD, init_system
from audit.facts.pam import login_service, service_file, session_rule
from audit.facts.session import is_mine, variable
from audit.host import Host
from audit.records import NamedTuple

# path-lookup.c: the first directory that has a file of a name wins.
SYSTEM_UNITS = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
USER_UNITS = ("/etc/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user")
BINARIES = ("/usr/lib/systemd", "/lib/systemd")

# What Delegate=yes hands down on cgroup2, as far as systemd knows controllers (cgroup-util.c).
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")
TRUE = frozenset({"1", "yes", "y", "true", "t", "on"})
FALSE = frozenset({"0", "no", "n", "false", "f", "off"})


class Setting(NamedTuple):
    """One assignment in a unit file or drop-in, in the order in which they take effect."""

    key: str
    value: str
    source: str
    line: int


class Unit(NamedTuple):
    """A unit as loaded. `fragment` is None when there is none; `masked` when it is a link to
    /dev/null.
    """

    name: str
    fragment: str | None
    masked: bool
    settings: tuple[Setting, ...] = ()
    files: tuple[str, ...] = ()


class Delegation(NamedTuple):
    """The outcome of all Delegate= lines. Nothing said means no."""

    enabled: bool
    controllers: tuple[str, ...]
    last: Setting | None  # the line that decided last


class UserManager(NamedTuple):
    """The user's `systemd --user`, with which scopes are made.

    `state` is "running", "at login" (it will run at the next one) or "none"; `reason` says why
    there is none. `controllers` are those that it may hand on to a scope. `bus`: its D-Bus socket
    is there as well.
    """

    state: str
    reason: str
    source: str
    observed: str
    controllers: tuple[str, ...] = ()
    bus: bool = False
    line: int | None = None

    @property
    def available(self) -> bool:
        return self.state != "none"


def parse_unit(text: str, section: str, source: str) -> tuple[Setting, ...]:
    """The assignments below [section] as systemd reads them (systemd.syntax(7))."""
    found: list[Setting] = []
    inside = False
    held, start = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if held:
            if line.startswith(("#", ";")):
                continue  # comments inside a continued line are skipped
            line = held + " " + line
        else:
            start = number
            if not line or line.startswith(("#", ";")):
                continue
        if line.endswith("\\"):
            held = line[:-1]
            continue
        held = ""
        if line.startswith("["):
            inside = line == f"[{section}]"
            continue
        key, equals, value = line.partition("=")
        if inside and equals:
            found.append(Setting(key.rstrip(" \t"), value.strip(" \t"), source, start))
    return tuple(found)


def unit(host: Host, name: str, section: str = "Service") -> Unit:
    """A system unit (`user@1000.service`): its fragment and all drop-ins, etc over run over usr."""
    template = re.sub(r"@[^.]*\.", "@.", name)
    fragment = None
    for candidate in dict.fromkeys((name, template)):
        fragment = _first(host, SYSTEM_UNITS, candidate)
        if fragment is not None:
            break
    if fragment is None:
        return Unit(name, None, False)
    if host.real(fragment) == "/dev/null":
        return Unit(name, fragment, True)
    text = host.read(fragment)
    if not text:
        return Unit(name, fragment, True)  # an empty unit file masks as well
    settings = list(parse_unit(text, section, fragment))
    files = [fragment]
    for path in host.get(dropins, name):
        found = host.read(path)
        if found:
            files.append(path)
            settings += parse_unit(found, section, path)
    return Unit(name, fragment, False, tuple(settings), tuple(files))


def dropins(host: Host, name: str) -> tuple[str, ...]:
    """The drop-ins of a unit in the order in which they are read, which is by file name."""
    template = re.sub(r"@[^.]*\.", "@.", name)
    kind = name.rpartition(".")[2]
    places = [
        f"{directory}/{one}.d"
        for directory in SYSTEM_UNITS
        for one in dict.fromkeys((name, template))
    ]
    places += [f"{directory}/{kind}.d" for directory in SYSTEM_UNITS]
    return host.get(conf_files, tuple(places))


def conf_files(host: Host, directories: tuple[str, ...]) -> tuple[str, ...]:
    """*.conf of several directories, sorted by name; of two with one name the first directory's
    wins.
    """
    winners: dict[str, str] = {}
    for directory in directories:
        for name in _listed(host, directory):
            if name.endswith(".conf"):
                winners.setdefault(name, f"{directory}/{name}")
    return tuple(
        path for _, path in sorted(winners.items()) if host.real(path) not in ("/dev/null", None)
    )


def delegation(settings: tuple[Setting, ...]) -> Delegation:
    """What all Delegate= assignments add up to (config_parse_delegate).

    A boolean turns everything on or off. A list adds to what there was. An empty value forgets the
    controllers but leaves delegation on. A word that is no controller is passed over.
    """
    enabled, controllers, last = False, frozenset[str](), None
    for setting in settings:
        if setting.key != "Delegate":
            continue
        last = setting
        word = setting.value.lower()
        if not setting.value:
            enabled, controllers = True, frozenset()
        elif word in TRUE:
            enabled, controllers = True, frozenset(CONTROLLERS)
        elif word in FALSE:
            enabled, controllers = False, frozenset()
        else:
            enabled = True
            controllers |= {name for name in setting.value.split() if name in CONTROLLERS}
    return Delegation(enabled, tuple(sorted(controllers)), last)


def user_unit(host: Host) -> Unit:
    """The system unit that runs the target user's manager, user@UID.service."""
    return host.get(unit, f"user@{host.get(target).uid}.service")


def predicted_controllers(host: Host) -> tuple[str, ...]:
    """The controllers that a freshly started user manager will have.

    Those delegated, and memory and pids, which systemd's accounting turns on for every unit
    (systemd-system.conf(5), DefaultMemoryAccounting=, DefaultTasksAccounting=), as far as this
    kernel has them.
    """
    granted = set(delegation(host.get(user_unit).settings).controllers)
    for key, controller in (
        ("DefaultMemoryAccounting", "memory"),
        ("DefaultTasksAccounting", "pids"),
    ):
        if host.get(manager_default, key).lower() not in FALSE:
            granted.add(controller)
    return tuple(name for name in host.get(root_controllers) if name in granted)


def manager_default(host: Host, key: str) -> str:
    """A setting of [Manager] in system.conf and its drop-ins; empty when nothing sets it."""
    places = tuple(
        f"{d}/system.conf.d" for d in ("/etc/systemd", "/run/systemd", "/usr/lib/systemd")
    )
    value = ""
    for path in ("/etc/systemd/system.conf", *host.get(conf_files, places)):
        for setting in parse_unit(host.read(path) or "", "Manager", path):
            if setting.key == key:
                value = setting.value
    return value


def manager_cgroup(host: Host) -> str:
    """The cgroup2 directory of the user's manager."""
    uid = host.get(target).uid
    top = f"{ROOT}/unified" if host.get(cgroup_layout) == HYBRID else ROOT
    if host.get(cgroup_layout) == LEGACY:
        top = f"{ROOT}/systemd"
    return f"{top}/user.slice/user-{uid}.slice/user@{uid}.service"


def own_runtime_dir(host: Host) -> str:
    """Where logind puts the user's runtime directory."""
    return f"/run/user/{host.get(target).uid}"


def user_manager(host: Host) -> UserManager:
    """Whether `systemd-run --user --scope` will work for the user, and with which controllers."""
    if host.get(init_system) != SYSTEMD:
        return UserManager("none", "systemd is not running here", "/run/systemd/system", "missing")
    socket = f"{host.get(own_runtime_dir)}/systemd/private"
    bus = f"{host.get(own_runtime_dir)}/bus"
    if _present(host, socket):
        controllers = host.get(words, f"{host.get(manager_cgroup)}/cgroup.controllers")
        return UserManager("running", "", socket, "present", controllers, _present(host, bus))
    uid = host.get(target).uid
    if host.get(is_mine):
        runtime = host.get(variable, "XDG_RUNTIME_DIR")
        return UserManager(
            "none",
            f"systemd --user does not run for uid {uid}: pam_systemd did not open this session",
            socket,
            f"missing; XDG_RUNTIME_DIR={runtime or '(unset)'}",
        )
    return host.get(next_manager)


def next_manager(host: Host) -> UserManager:
    """What the next login, or the next boot for who lingers, makes of the user's manager."""
    uid = host.get(target).uid
    loaded = host.get(user_unit)
    if loaded.fragment is None:
        return UserManager("none", "there is no unit user@.service", SYSTEM_UNITS[-2], "missing")
    if loaded.masked:
        return UserManager(
            "none", f"user@{uid}.service is masked", loaded.fragment, "-> /dev/null or empty"
        )
    granted = delegation(loaded.settings)
    if not granted.enabled:
        source, line, text = loaded.fragment, None, "no Delegate="
        if granted.last is not None:
            source, line = granted.last.source, granted.last.line
            text = f"Delegate={granted.last.value}"
        why = f"user@{uid}.service cannot start: it is not delegated its cgroup"
        return UserManager("none", why, source, text, line=line)
    logind = host.get(unit, "systemd-logind.service")
    if logind.fragment is None or logind.masked:
        why = "systemd-logind, which starts the user's manager at login, is missing or masked"
        return UserManager("none", why, logind.fragment or SYSTEM_UNITS[-2], "masked or missing")
    if not host.get(lingers) and host.get(session_rule, "pam_systemd") is None:
        why = "no pam_systemd.so in the login's PAM stack: logind does not hear of the session"
        return UserManager("none", why, host.get(pam_file), "no pam_systemd.so")
    # v1 controllers are never an unprivileged manager's
    controllers = host.get(predicted_controllers) if host.get(cgroup_layout) == UNIFIED else ()
    return UserManager("at login", "", loaded.fragment, "", controllers, host.get(has_session_bus))


def pam_file(host: Host) -> str:
    """The file of the PAM service that the next login goes through."""
    service = host.get(login_service)
    return (None if service is None else host.get(service_file, service)) or "/etc/pam.d"


def lingers(host: Host) -> bool:
    """loginctl enable-linger: the user's manager runs from boot on."""
    return host.stat(f"/var/lib/systemd/linger/{host.get(target).name}") is not None


def has_session_bus(host: Host) -> bool:
    """Whether user managers start a D-Bus daemon: dbus.socket in sockets.target."""
    return any(
        host.stat(f"{directory}/sockets.target.wants/dbus.socket") is not None
        for directory in USER_UNITS
    )


def version(host: Host) -> int | None:
    """systemd's version, read from the name of its private library; None when it does not tell."""
    for directory in BINARIES:
        for name in _listed(host, directory):
            match = re.fullmatch(r"libsystemd-shared-(\d+).*\.so", name)
            if match:
                return int(match[1])
    for triplet in ("x86_64-linux-gnu", "aarch64-linux-gnu"):
        for name in _listed(host, f"/usr/lib/{triplet}/systemd"):
            match = re.fullmatch(r"libsystemd-shared-(\d+).*\.so", name)
            if match:
                return int(match[1])
    return None


def _first(host: Host, directories: tuple[str, ...], name: str) -> str | None:
    for directory in directories:
        path = f"{directory}/{name}"
        if not _is_volatile(host, directory) and host.lstat(path) is not None:
            return path
    return None


def _is_volatile(host: Host, directory: str) -> bool:
    """/run of a directory tree is empty until it boots."""
    return host.source.kind == "root" and directory.startswith("/run/")


def _listed(host: Host, directory: str) -> tuple[str, ...]:
    return () if _is_volatile(host, directory) else host.list(directory) or ()


def _present(host: Host, path: str) -> bool:
    """/run/user is a tmpfs of root's that the user's own directory hides in; a next login has none
    yet.
    """
    return host.stat(path) is not None
