"""Values that make liblxc refuse a whole config: what each set_config_*() rejects.

Source: LXC src/lxc/confile.c and src/lxc/confile_utils.c of 3.0.4 to 7.0.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from audit.facts.configkeys import Key, Version
from audit.facts.configsyntax import (
    INT_MAX,
    UINT_MAX,
    ULONG_MAX,
    idmap,
    is_ipv4,
    is_ipv6,
    is_signal,
    limits,
    number,
    signed_number,
)

_SIZE = re.compile(r"(.*?)[ \t]*([a-zA-Z]{0,2})", re.DOTALL)
_OFFSET = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+(ms|us|ns| ?[hms])")
_INDEX = re.compile(r"lxc\.net\.([0-9]+)(?:\.(.*))?", re.DOTALL)
_SIZE_LENGTH = 20
_SOCKET_MAX = 107  # unix(7), sun_path
_UTS_NAME_MAX, _PATH_MAX, _NAME_MAX = 64, 4096, 255

# Releases in which liblxc became stricter.
_NET_TYPE_FIRST: Version = (4, 0, 7)  # veth keys before `type = veth` are refused
_CGROUP_DIR_RELATIVE: Version = (4, 0, 7)
_ARCH_KNOWN: Version = (4, 0, 9)  # a warning before
CAPS_EXCLUDE: Version = (4, 0, 11)  # drop and keep, and every name is checked
_NO_LSM_REFUSED = ((4, 0, 7), (4, 0, 9)), ((5, 0, 0), (99, 0, 0))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ARCHITECTURES: dict[str, Version] = {
    **dict.fromkeys(
        _words(
            "arm armel armhf armv7l athlon i386 i486 i586 i686 linux32 mips mipsel ppc powerpc x86 "
            "amd64 arm64 linux64 mips64 mips64el ppc64 ppc64el ppc64le powerpc64 s390x x86_64"
        ),
        (3, 0, 0),
    ),
    "aarch64": (4, 0, 10),
    "riscv64": (4, 0, 11),
    "loongarch64": (6, 0, 0),
    "x32": (6, 0, 0),
    "loong64": (6, 0, 5),
}
CAPABILITIES = _words(
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
    "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio "
    "sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time "
    "sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog "
    "wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
)
_AUTO_MOUNTS = frozenset(
    _words(
        "proc proc:mixed proc:rw sys sys:ro sys:mixed sys:rw "
        "cgroup cgroup:mixed cgroup:ro cgroup:rw "
        "cgroup:force cgroup:mixed:force cgroup:ro:force cgroup:rw:force "
        "cgroup-full cgroup-full:mixed cgroup-full:ro cgroup-full:rw "
        "cgroup-full:force cgroup-full:mixed:force cgroup-full:ro:force cgroup-full:rw:force"
    )
)
_AUTO_MOUNTS_4_0_12 = frozenset(_words("cgroup2 cgroup2:ro cgroup2:force cgroup2:ro:force"))
_NAMESPACES = frozenset(_words("user mnt pid uts ipc net cgroup time"))
_LOG_LEVELS = frozenset(_words("TRACE DEBUG INFO NOTICE WARN ERROR CRIT ALERT FATAL"))
_SYSLOG = frozenset(("daemon", *(f"local{n}" for n in range(8))))
_NET_TYPES = frozenset(_words("veth macvlan ipvlan vlan phys empty none"))
_NET_MODES = {
    "net_veth_mode": frozenset(("bridge", "router")),
    "net_macvlan_mode": frozenset(("private", "vepa", "bridge", "passthru")),
    "net_ipvlan_mode": frozenset(("l3", "l3s", "l2")),
    "net_ipvlan_isolation": frozenset(("bridge", "private", "vepa")),
}
_FLAGS = frozenset(  # read by lxc_safe_uint(), 0 or 1
    _words(
        "apparmor_allow_incomplete apparmor_allow_nesting autodev cgroup_relative console_rotate "
        "ephemeral hooks_version keyring_session no_new_privs rootfs_managed sched_core "
        "seccomp_allow_nesting net_l2proxy"
    )
)
_NUMBERS = frozenset(_words("init_uid init_gid monitor pty_max tty_max"))
_SIGNAL_KEYS = frozenset(_words("signal_halt signal_reboot signal_stop monitor_signal_pdeath"))
_PATHS = frozenset(
    _words(
        "seccomp_profile init_cwd log_file console_path console_logfile rootfs_path rootfs_mount "
        "mount_fstab cgroup_dir cgroup_monitor_dir cgroup_monitor_pivot_dir cgroup_container_dir "
        "cgroup_container_inner_dir"
    )
)
# LXC returns whatever errno happens to be for a bad number: it may take the config, or refuse it.
_ERRNO = frozenset(("init_uid", "init_gid", "hooks_version", "seccomp_allow_nesting"))


class State:
    """What earlier lines decided: the type of each interface, capability and namespace lists."""

    def __init__(self, version: Version, without: frozenset[str] = frozenset()) -> None:
        self.version = version
        self.without = without  # of AppArmor, SELinux, seccomp, capabilities: not built in
        self.net: dict[int, str] = {}
        self.caps = ""  # "drop" or "keep" once a list has begun
        self.namespaces = ""  # "clone" or "keep"


def refusal(key: Key, name: str, value: str, state: State) -> str | None:
    """Why liblxc refuses `name = value`; None when it takes it, and `state` learns of it."""
    built = _not_built(key.setter, state)
    if built is not None:
        return built
    if key.setter.startswith("net_") or key.setter in ("net", "jump_table_net"):
        return _net(key.setter, name, value, state)
    if not value:
        return _empty(key.setter, name, state)
    if key.setter in _FLAGS:
        return None if number(value) in (0, 1) else f"{value!r} is neither 0 nor 1"
    if key.setter in _NUMBERS:
        return _if_no_number(value)
    if key.setter in _SIGNAL_KEYS:
        return None if is_signal(value) else f"{value!r} is no signal: SIGPWR, SIGRTMIN+3, a number"
    if key.setter in _PATHS and len(value.encode(errors="surrogateescape")) >= _PATH_MAX:
        return f"the path is longer than {_PATH_MAX - 1} bytes"
    rule = _RULES.get(key.setter)
    return None if rule is None else rule(name, value, state)


def is_unclear(key: Key, value: str, version: Version) -> bool:
    """Whether it depends on chance if LXC refuses the value."""
    stale = key.setter in _ERRNO and version >= _NET_TYPE_FIRST
    return stale and bool(value) and number(value) is None


def _not_built(setter: str, state: State) -> str | None:
    refused = any(first <= state.version < end for first, end in _NO_LSM_REFUSED)
    if setter.startswith("apparmor_") and "AppArmor" in state.without and refused:
        return "this LXC was built without AppArmor"
    if setter.startswith("selinux_") and "SELinux" in state.without and refused:
        return "this LXC was built without SELinux"
    if setter.startswith("seccomp_") and "seccomp" in state.without:
        return "this LXC was built without seccomp"
    return None


def _empty(setter: str, name: str, state: State) -> str | None:
    """An empty value clears nearly everything."""
    if setter == "mount_fstab":
        return "LXC takes no empty lxc.mount.fstab"
    if setter == "personality" and state.version >= _ARCH_KNOWN:
        return "LXC takes no empty lxc.arch"
    if setter in ("cap_drop", "cap_keep"):
        state.caps = ""
    if setter in ("namespace_clone", "namespace_keep"):
        state.namespaces = ""
    return None


def _if_no_number(value: str) -> str | None:
    return None if number(value) is not None else f"{value!r} is no number"


def _net(setter: str, name: str, value: str, state: State) -> str | None:
    if setter == "net":
        state.net.clear()
        return "lxc.net must not have a value" if value else None
    match = _INDEX.fullmatch(name)
    if match is None or len(match[1]) > 10 or int(match[1]) >= INT_MAX:
        return "lxc.net. must be followed by the number of an interface"
    index = int(match[1])
    if match[2] is None:
        if value:
            return f"lxc.net.{index} takes no value: say which property, as in lxc.net.{index}.type"
        state.net.pop(index, None)
        return None
    if not value:
        if index not in state.net:
            return f"nothing is to be cleared: no line before has lxc.net.{index}"
        if setter == "net_type":
            state.net[index] = ""
        return None
    why = _net_value(setter, value, state.net.setdefault(index, ""), state.version)
    if why is None and setter == "net_type":
        state.net[index] = value
    return why


def _net_value(setter: str, value: str, kind: str, version: Version) -> str | None:
    for wanted in ("veth", "macvlan", "ipvlan"):
        if setter.startswith(f"net_{wanted}_") and kind != wanted and version >= _NET_TYPE_FIRST:
            return f"its interface is not of type {wanted} at this line: put the type before it"
    if setter == "net_vlan_id" and kind != "vlan" and version >= _NET_TYPE_FIRST:
        return "its interface is not of type vlan at this line: put the type before it"
    if setter == "net_type":
        known = value in _NET_TYPES and (value != "ipvlan" or version >= (3, 2, 0))
        return None if known else f"{value!r} is no type of interface"
    if setter in _NET_MODES:
        return None if value in _NET_MODES[setter] else f"{value!r} is no such mode"
    if setter == "net_l2proxy":
        return None if number(value) in (0, 1) else f"{value!r} is neither 0 nor 1"
    if setter in ("net_veth_n_rxqueues", "net_veth_n_txqueues"):
        return None if (signed_number(value) or 0) > 0 else f"{value!r} is no number of queues"
    if setter in ("net_vlan_id", "net_veth_vlan_id", "net_veth_vlan_tagged_id"):
        top = 0xFFFF if setter == "net_vlan_id" else 4094
        fine = number(value, top) is not None
        fine = fine or (value == "none" and setter == "net_veth_vlan_id")
        return None if fine else f"{value!r} is no VLAN number"
    return _net_address(setter, value, version)


def _net_address(setter: str, value: str, version: Version) -> str | None:
    if setter.endswith("_gateway"):
        valid = is_ipv4 if "ipv4" in setter else is_ipv6
        fine = value in ("auto", "dev") or valid(value)
        return None if fine else f"{value!r} is neither an address nor auto nor dev"
    if setter.endswith("_route"):
        address, slash, prefix = value.partition("/")
        valid, top = (is_ipv4, 32) if "ipv4" in setter else (is_ipv6, 128)
        fine = bool(slash) and valid(address) and number(prefix, top) is not None
        return None if fine else f"{value!r} is no ADDRESS/PREFIX"
    if setter == "net_ipv4_address":
        address, blank, broadcast = value.partition(" ")
        address, slash, prefix = address.partition("/")
        top = 32 if version >= _NET_TYPE_FIRST else UINT_MAX
        if not is_ipv4(address) or (slash and number(prefix, top) is None):
            return f"{value!r} is no IPv4 ADDRESS/PREFIX"
        if blank and not is_ipv4(broadcast):
            return f"{broadcast!r} is no IPv4 broadcast address"
    if setter == "net_ipv6_address":
        address, slash, prefix = value.partition("/")
        if not is_ipv6(address) or (slash and number(prefix) is None):
            return f"{value!r} is no IPv6 ADDRESS/PREFIX"
    return None


def _subkey(name: str, value: str, state: State) -> str | None:
    """lxc.cgroup2.X, lxc.prlimit.X and their like take nothing without the X."""
    parts = name.split(".", 2)
    if len(parts) < 3 or not parts[2] or parts[1] not in _SUBKEYED:
        return f"{name} takes no value"
    return None


_SUBKEYED = ("cgroup", "cgroup2", "prlimit", "sysctl", "proc")


def _prlimit(name: str, value: str, state: State) -> str | None:
    if limits(value) is None:
        return f"{value!r} is no limit: SOFT:HARD, one number or unlimited"
    return _subkey(name if name != "lxc.prlimit." else "lxc.prlimit.x", value, state)


def _cgroup_dir(name: str, value: str, state: State) -> str | None:
    if state.version < _CGROUP_DIR_RELATIVE:
        return None
    if value.startswith("/"):
        return f"{name} may not be absolute"
    if ".." in value.split("/"):
        return f"{name} may not go upwards"
    if name.endswith(".inner") and ("/" in value or value == "."):
        return f"{name} must be a single directory name"
    return None


def _personality(name: str, value: str, state: State) -> str | None:
    if state.version < _ARCH_KNOWN:
        return None
    since = _ARCHITECTURES.get(value)
    known = since is not None and since <= state.version
    return None if known else f"{value!r} is no architecture that this LXC knows"


def _caps(name: str, value: str, state: State) -> str | None:
    if state.version < CAPS_EXCLUDE:
        return None
    if "capabilities" in state.without and value.strip() != "none":
        return "this LXC was built without libcap"
    mine, other = ("drop", "keep") if name == "lxc.cap.drop" else ("keep", "drop")
    if state.caps == other:
        return "keeping and dropping capabilities are mutually exclusive"
    for word in value.replace("\t", " ").split(" "):
        if word == "none":
            if mine == "drop":
                return '"none" can only be kept'
        elif word and word not in CAPABILITIES and number(word, len(CAPABILITIES) - 1) is None:
            return f"{word!r} is no capability"
    state.caps = mine
    return None


def _mount_auto(name: str, value: str, state: State) -> str | None:
    for word in value.replace("\t", " ").split(" "):
        known = not word or word in _AUTO_MOUNTS
        known = known or (word in _AUTO_MOUNTS_4_0_12 and state.version >= (4, 0, 12))
        known = known or word.startswith("shmounts:")
        if not known:
            return f"{word!r} is no file system that LXC mounts by itself"
    return None


def _namespace_list(name: str, value: str, state: State) -> str | None:
    mine, other = ("clone", "keep") if name.endswith(".clone") else ("keep", "clone")
    if state.namespaces == other:
        return "lxc.namespace.clone and lxc.namespace.keep exclude each other"
    for word in value.replace("\t", " ").split(" "):
        if word and word not in _NAMESPACES:
            return f"{word!r} is no namespace"
    state.namespaces = mine
    return None


def _namespace_share(name: str, value: str, state: State) -> str | None:
    word = name.removeprefix("lxc.namespace.share").removeprefix(".")
    return None if word in _NAMESPACES else f"{word!r} is no namespace"


def _hooks(name: str, value: str, state: State) -> str | None:
    return "lxc.hook must not have a value" if name == "lxc.hook" else None


def _idmaps(name: str, value: str, state: State) -> str | None:
    return None if idmap(value) else f"{value!r} is no id map: u|g CONTAINER_ID HOST_ID COUNT"


def _start(name: str, value: str, state: State) -> str | None:
    if name == "lxc.start.auto":
        return None if number(value) in (0, 1) else f"{value!r} is neither 0 nor 1"
    if name == "lxc.start.delay":
        return _if_no_number(value)
    return None if signed_number(value) is not None else f"{value!r} is no number"


def _init_groups(name: str, value: str, state: State) -> str | None:
    words = [word for word in value.split(",") if word]
    fine = words and all(number(word) is not None for word in words)
    return None if fine else f"{value!r} is no list of group ids"


def _log_level(name: str, value: str, state: State) -> str | None:
    if value[0] in "0123456789":
        known = number(value, len(_LOG_LEVELS) - 1) is not None
    else:
        known = value.upper() in _LOG_LEVELS
    return None if known else f"{value!r} is no log level"


def _log_syslog(name: str, value: str, state: State) -> str | None:
    return None if value.lower() in _SYSLOG else f"{value!r} is no syslog facility"


def _size(name: str, value: str, state: State) -> str | None:
    if value == "auto":
        return None
    match = _SIZE.fullmatch(value) if len(value) <= _SIZE_LENGTH else None
    if match is not None:
        digits, suffix = match.groups()
        fine = len(suffix) < 2 or suffix.upper() in ("KB", "MB", "GB")
        if fine and (number(digits, ULONG_MAX // 2) is not None):
            return None
    return f"{value!r} is no size: 131072, 128KB, 1MB, auto"


def _uts_name(name: str, value: str, state: State) -> str | None:
    size = len(value.encode(errors="surrogateescape"))
    return None if size <= _UTS_NAME_MAX else f"a host name has at most {_UTS_NAME_MAX} bytes"


def _tty_dir(name: str, value: str, state: State) -> str | None:
    size = len(value.encode(errors="surrogateescape"))
    return None if size <= _NAME_MAX else f"the name is longer than {_NAME_MAX} bytes"


def _rootfs_options(name: str, value: str, state: State) -> str | None:
    if state.version < (4, 0, 11):
        return None
    for word in ("create=dir", "create=file", "optional", "relative"):  # found by strstr(3)
        if word in value:
            return f"{word!r} is no option for a root file system"
    found = value.partition("idmap=")
    return "idmap= names nothing" if found[1] and found[2][:1] in ("", ",") else None


def _time_offset(name: str, value: str, state: State) -> str | None:
    return None if _OFFSET.fullmatch(value) else f"{value!r} is no time: 3 h, 10 m, 5 s"


def _notify_proxy(name: str, value: str, state: State) -> str | None:
    path = value.removeprefix("unix:")
    fine = path != value and path[:1] in ("/", "@") and 2 <= len(path) <= _SOCKET_MAX
    return None if fine else f"{value!r} is no unix:/PATH of a socket"


_RULES: dict[str, Callable[[str, str, State], str | None]] = {
    "cap_drop": _caps,
    "cap_keep": _caps,
    "cgroup2_controller": _subkey,
    "cgroup_container_dir": _cgroup_dir,
    "cgroup_container_inner_dir": _cgroup_dir,
    "cgroup_controller": _subkey,
    "cgroup_dir": _cgroup_dir,
    "cgroup_monitor_dir": _cgroup_dir,
    "cgroup_monitor_pivot_dir": _cgroup_dir,
    "console_buffer_size": _size,
    "console_size": _size,
    "hooks": _hooks,
    "idmaps": _idmaps,
    "init_groups": _init_groups,
    "log_level": _log_level,
    "log_syslog": _log_syslog,
    "mount_auto": _mount_auto,
    "namespace_clone": _namespace_list,
    "namespace_keep": _namespace_list,
    "namespace_share": _namespace_share,
    "personality": _personality,
    "prlimit": _prlimit,
    "proc": _subkey,
    "rootfs_options": _rootfs_options,
    "seccomp_notify_proxy": _notify_proxy,
    "start": _start,
    "sysctl": _subkey,
    "time_offset_boot": _time_offset,
    "time_offset_monotonic": _time_offset,
    "tty_dir": _tty_dir,
    "uts_name": _uts_name,
}
