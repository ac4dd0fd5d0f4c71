"""Which program runs the services of this host."""

from __future__ import annotations

from audit.host import Host
from audit.model import Unknown

SYSTEMD, OPENRC, SYSVINIT, RUNIT, S6, NONE = (
    "systemd",
    "openrc",
    "sysvinit",
    "runit",
    "s6",
    "none",
)

# The name that process 1 gives itself, where it decides.
_COMMANDS = {
    "openrc-init": OPENRC,
    "runit": RUNIT,
    "runit-init": RUNIT,
    "s6-svscan": S6,
    "s6-linux-init": S6,
}


def init_system(host: Host) -> str:
    """systemd, openrc, sysvinit, runit, s6, or none (a process 1 that starts no services, as in a
    sandbox).

    A running host is asked for what is running: sd_booted(3) is the directory /run/systemd/system,
    and OpenRC keeps its state in /run/openrc (/lib/rc/init.d and /run/rc before 0.14 are long
    gone). A directory tree is asked for what /sbin/init is.
    """
    if host.source.kind != "root":
        return _running(host)
    installed = _installed(host)
    if installed is None:
        raise Unknown("no /sbin/init in this directory tree")
    return installed


def _running(host: Host) -> str:
    directory = host.stat("/run/systemd/system")
    if directory is not None and directory.kind == "directory":
        return SYSTEMD
    if host.stat("/run/openrc/softlevel") is not None:
        return OPENRC
    command = (host.read("/proc/1/comm") or "").strip()
    if command in _COMMANDS:
        return _COMMANDS[command]
    if command == "init":
        return SYSVINIT
    return NONE


def _installed(host: Host) -> str | None:
    target = host.real("/sbin/init")
    if target is None:
        return None
    name = target.rpartition("/")[2]
    if name == "systemd":
        return SYSTEMD
    if name in _COMMANDS:
        return _COMMANDS[name]
    # OpenRC is most often started by sysvinit's or BusyBox' init, from inittab(5).
    if any("openrc" in line for line in _entries(host.read("/etc/inittab"))):
        return OPENRC
    return SYSVINIT


def _entries(text: str | None) -> list[str]:
    return [line for line in (text or "").splitlines() if not line.lstrip().startswith("#")]
