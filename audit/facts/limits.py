"""Resource limits: limits.conf(5) for the next login, /proc/self/limits for a running session."""

from __future__ import annotations

import re

from audit.facts.accounts import Account, local_groups, login_groups, target
from audit.host import Host
from audit.records import NamedTuple

CONF = "/etc/security/limits.conf"
DIRECTORIES = ("/etc/security/limits.d", "/usr/lib/security/limits.d")
UNLIMITED = -1
# item of limits.conf -> what its number counts in; /proc/PID/limits name
UNITS = {"nofile": 1, "nproc": 1, "fsize": 1024, "as": 1024}
PROC_NAMES = {
    "nofile": "Max open files",
    "nproc": "Max processes",
    "fsize": "Max file size",
    "as": "Max address space",
}


class Entry(NamedTuple):
    """One line of limits.conf; `value` is a count or bytes, UNLIMITED for no limit."""

    domain: str
    kind: str  # soft, hard or -
    item: str
    value: int
    file: str
    line: int


def parse_conf(text: str, file: str) -> tuple[Entry, ...]:
    """The lines about the items of UNITS, as pam_limits reads them."""
    found: list[Entry] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.partition("#")[0].split()
        if len(words) != 4:
            continue
        domain, kind, item, value = words
        if item not in UNITS or kind not in ("soft", "hard", "-"):
            continue
        if value in ("-1", "unlimited", "infinity"):
            found.append(Entry(domain, kind, item, UNLIMITED, file, number))
        elif re.fullmatch(r"[0-9]{1,18}", value):
            found.append(Entry(domain, kind, item, int(value) * UNITS[item], file, number))
    return tuple(found)


def entries(host: Host) -> tuple[Entry, ...]:
    """Every line of limits.conf and limits.d, in the order pam_limits reads them."""
    files = [CONF]
    for directory in DIRECTORIES:
        names = host.list(directory) or ()
        files += [f"{directory}/{name}" for name in names if name.endswith(".conf")]
    return tuple(e for file in files for e in parse_conf(host.read(file) or "", file))


def _rank(entry: Entry, account: Account, groups: frozenset[str], gids: frozenset[int]) -> int:
    """How specific a line is for the user (pam_limits: user, group, default); 0 when it is not
    about it.
    """
    domain = entry.domain
    if domain == account.name or _in_range(domain, account.uid):
        return 3
    if domain.startswith("@"):
        name = domain[1:]
        return 2 if name in groups or any(_in_range(name, gid) for gid in gids) else 0
    return 1 if domain == "*" else 0


def _in_range(text: str, number: int) -> bool:
    if not re.fullmatch(r"[0-9]{0,10}:[0-9]{0,10}", text) or text == ":":
        return False
    low, _, high = text.partition(":")
    if not high:
        return number == int(low)
    return (int(low) if low else 0) <= number <= int(high)


def configured(host: Host, item: str) -> tuple[int, str] | None:
    """The soft limit that pam_limits sets for the target and the file that says so; None without
    one.
    """
    entry = host.get(deciding, item)
    return None if entry is None or entry.value == UNLIMITED else (entry.value, entry.file)


def deciding(host: Host, item: str) -> Entry | None:
    """The line that decides the soft limit of the target, None without one."""
    account, gids = host.get(target), host.get(login_groups)
    names = frozenset(name for name, gid, _ in host.get(local_groups) if gid in gids)
    best: tuple[int, Entry] | None = None
    for entry in host.get(entries):
        if entry.item != item or (entry.kind == "hard" and not _caps(entry)):
            continue
        rank = _rank(entry, account, names, gids)
        # A hard limit below the soft one lowers it, too; of lines equally specific the last one
        # wins.
        if rank and (best is None or rank >= best[0]):
            best = rank, entry
    return None if best is None else best[1]


def _caps(entry: Entry) -> bool:
    return entry.value != UNLIMITED and entry.value < 1024 * UNITS[entry.item]


def parse_proc_limits(text: str) -> dict[str, int]:
    """Soft limits of /proc/PID/limits by item; what is unlimited is missing."""
    found: dict[str, int] = {}
    for item, name in PROC_NAMES.items():
        match = re.search(rf"^{name}\s+([0-9]{{1,20}})\s", text, re.MULTILINE)
        if match:
            found[item] = int(match[1])
    return found


def current(host: Host, item: str) -> int | None:
    """The asking process's own soft limit, None when it has none."""
    return parse_proc_limits(host.read("/proc/self/limits") or "").get(item)
