"""The keys of LXC 1 and 2 that LXC 3 and later refuse, with what they are called now.

Source: LXC src/lxc/cmd/lxc-update-config.in.
"""

from __future__ import annotations

# A key that has no successor is None.
LEGACY: dict[str, str | None] = {
    "lxc.aa_allow_incomplete": "lxc.apparmor.allow_incomplete",
    "lxc.aa_profile": "lxc.apparmor.profile",
    "lxc.console": "lxc.console.path",
    "lxc.devttydir": "lxc.tty.dir",
    "lxc.haltsignal": "lxc.signal.halt",
    "lxc.id_map": "lxc.idmap",
    "lxc.init_cmd": "lxc.init.cmd",
    "lxc.init_gid": "lxc.init.gid",
    "lxc.init_uid": "lxc.init.uid",
    "lxc.kmsg": None,
    "lxc.logfile": "lxc.log.file",
    "lxc.loglevel": "lxc.log.level",
    "lxc.mount": "lxc.mount.fstab",
    "lxc.pivotdir": None,
    "lxc.pts": "lxc.pty.max",
    "lxc.rebootsignal": "lxc.signal.reboot",
    "lxc.rootfs": "lxc.rootfs.path",
    "lxc.rootfs.backend": None,
    "lxc.se_context": "lxc.selinux.context",
    "lxc.seccomp": "lxc.seccomp.profile",
    "lxc.stopsignal": "lxc.signal.stop",
    "lxc.syslog": "lxc.log.syslog",
    "lxc.tty": "lxc.tty.max",
    "lxc.utsname": "lxc.uts.name",
}
_LIMIT = ("lxc.limit.", "lxc.prlimit.")
_NETWORK = "lxc.network."
_ADDRESSES = ("ipv4", "ipv6")


def is_legacy(key: str) -> bool:
    """Whether LXC 1 or 2 knew the key."""
    return key in LEGACY or key.startswith((_NETWORK, _LIMIT[0])) or key == "lxc.network"


def begins_interface(key: str) -> bool:
    """Whether a key begins another interface: those without a number belong to the last one."""
    return key == f"{_NETWORK}type"


def successor(key: str, interface: int = 0) -> str | None:
    """What a key is called now, None when it has no successor (or never was one).

    `interface` is the number of the interface that a key without a number belongs to.
    """
    if key == "lxc.network":
        return "lxc.net"
    if key.startswith(_LIMIT[0]):
        return _LIMIT[1] + key.removeprefix(_LIMIT[0])
    if key.startswith(_NETWORK):
        first, _, rest = key.removeprefix(_NETWORK).partition(".")
        number, name = (first, rest) if first.isdecimal() else (str(interface), "")
        name = name or key.removeprefix(_NETWORK)
        return f"lxc.net.{number}.{name}" + (".address" if name in _ADDRESSES else "")
    return LEGACY.get(key)
