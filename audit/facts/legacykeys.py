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
# lxc.network.type became lxc.net.0.type: one number per interface.
_GROUPS = {"lxc.network.": "lxc.net.0.", "lxc.limit.": "lxc.prlimit."}


def is_legacy(key: str) -> bool:
    """Whether LXC 1 or 2 knew the key."""
    return key in LEGACY or key.startswith(tuple(_GROUPS)) or key == "lxc.network"


def successor(key: str) -> str | None:
    """What a key is called now, None when it has no successor (or never was one)."""
    if key == "lxc.network":
        return "lxc.net"
    for old, new in _GROUPS.items():
        if key.startswith(old):
            return new + key.removeprefix(old)
    return LEGACY.get(key)
