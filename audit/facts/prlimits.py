"""lxc.prlimit: what a container asks for, and the hard limits that its session has.

Source: LXC src/lxc/conf.c (parse_resource, setup_resource_limits), prlimit(2).
"""

from __future__ import annotations

import re

from audit.facts.config import Entry, container_config
from audit.facts.configsyntax import limits, signed_number
from audit.facts.init import init_system
from audit.facts.limits import CONF, DIRECTORIES
from audit.facts.session import is_mine
from audit.host import Host

# lxc.prlimit.NAME -> the row of /proc/PID/limits
RESOURCES = {
    "as": "Max address space",
    "core": "Max core file size",
    "cpu": "Max cpu time",
    "data": "Max data size",
    "fsize": "Max file size",
    "locks": "Max file locks",
    "memlock": "Max locked memory",
    "msgqueue": "Max msgqueue size",
    "nice": "Max nice priority",
    "nofile": "Max open files",
    "nproc": "Max processes",
    "rss": "Max resident set",
    "rtprio": "Max realtime priority",
    "rttime": "Max realtime timeout",
    "sigpending": "Max pending signals",
    "stack": "Max stack size",
}
UNLIMITED = 2**64 - 1
# The hard limits that systemd gives to services when nothing is configured; None: it depends.
_SYSTEMD: dict[str, int | None] = {"nofile": 524288, "memlock": None}


def wanted(host: Host) -> tuple[tuple[Entry, str, int, int], ...]:
    """(line, resource, soft, hard) of each lxc.prlimit that is in force: of equal ones the last."""
    found: dict[str, tuple[Entry, str, int, int]] = {}
    for entry in host.get(container_config).below("lxc.prlimit."):
        pair = limits(entry.value)
        name = entry.key.removeprefix("lxc.prlimit.")
        if pair is not None:
            soft, hard = (UNLIMITED if value is None else value for value in pair)
            found[name] = entry, name, soft, hard
    return tuple(found.values())


def is_resource(name: str) -> bool:
    """Whether LXC knows a resource by this name or number."""
    return name in RESOURCES or signed_number(name) is not None


def limits_file(host: Host) -> str:
    """Whose limits the session inherits: its own, or before a login those of init."""
    return "/proc/self/limits" if host.get(is_mine) else "/proc/1/limits"


def hard_limit(host: Host, name: str) -> int | None:
    """The hard limit of the session in the unit of the kernel; None when it is not known.

    A next login inherits what init hands down. pam_limits may change that, and systemd raises its
    own limits above those that it gives to services (systemd-system.conf(5), DefaultLimitNOFILE=).
    """
    row = RESOURCES.get(name)
    if row is None:
        return None
    if not host.get(is_mine):
        if host.get(set_by_pam, name):
            return None
        if host.get(init_system) == "systemd" and name in _SYSTEMD:
            return _SYSTEMD[name] if not host.get(system_conf_has, name) else None
    text = host.read(limits_file(host)) or ""
    match = re.search(rf"^{re.escape(row)}\s+\S+\s+(unlimited|[0-9]{{1,20}})\s", text, re.MULTILINE)
    if match is None:
        return None
    return UNLIMITED if match[1] == "unlimited" else int(match[1])


def set_by_pam(host: Host, name: str) -> bool:
    """Whether a line of limits.conf(5) sets a hard limit of the resource for anybody."""
    files = [CONF]
    for directory in DIRECTORIES:
        names = host.list(directory) or ()
        files += [f"{directory}/{one}" for one in names if one.endswith(".conf")]
    for file in files:
        for line in (host.read(file) or "").split("\n"):
            words = line.partition("#")[0].split()
            if len(words) == 4 and words[2] == name and words[1] in ("hard", "-"):
                return True
    return False


def system_conf_has(host: Host, name: str) -> bool:
    """Whether systemd is configured with another default for the resource."""
    files = ["/etc/systemd/system.conf"]
    for directory in ("/etc/systemd/system.conf.d", "/usr/lib/systemd/system.conf.d"):
        files += [f"{directory}/{one}" for one in host.list(directory) or ()]
    wanted_line = re.compile(rf"^\s*DefaultLimit{name.upper()}\s*=", re.MULTILINE)
    return any(wanted_line.search(host.read(file) or "") for file in files)
