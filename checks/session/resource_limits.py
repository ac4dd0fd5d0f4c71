"""ulimits of the session that stop LXC: one row per limit."""

from collections.abc import Callable, Iterator

from audit.facts import limits
from audit.facts.accounts import target
from audit.facts.login import soft_limit
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import (
    CREATE,
    EVERYTHING,
    STARTING,
    Check,
    Evidence,
    Fail,
    Finding,
    Level,
    Pass,
    Stage,
    Undecided,
)
from audit.records import NamedTuple
from remediations.limits import raise_limit

MIB = 1024 * 1024


class Row(NamedTuple):
    """A limit with what LXC needs.

    `fails_below` stops the stages for certain; from `works_from` on they are certain to pass;
    `enough` is what a distribution as guest is content with.
    """

    item: str
    title: str
    fails_below: int
    works_from: int
    enough: int
    stages: tuple[Stage, ...]
    error: str


# Measured with LXC 5.0.2 and a busybox container.
ROWS = (
    Row(
        "nofile",
        "The session may open enough files",
        41,
        48,
        1024,
        STARTING,
        "Too many open files - Fail to open newly created directory N(lxc.monitor.NAME)",
    ),
    Row(
        "nproc",
        "The session may have enough processes",
        7,
        12,
        512,
        EVERYTHING,
        'newuidmap failed to write mapping "sh: 1: Cannot fork"',
    ),
    Row(
        "fsize",
        "The session may write files as large as a rootfs has",
        1 * MIB,
        8 * MIB,
        1024 * MIB,
        (CREATE,),
        "Failed to create container from template",
    ),
)


def _limit(host: Host, item: str) -> tuple[int, str] | None:
    """The soft limit and where it comes from, None without one."""
    if host.get(is_mine):
        now = host.get(limits.current, item)
        return None if now is None else (now, "/proc/self/limits")
    return host.get(soft_limit, item)


def _judge(row: Row) -> Callable[[Host], Iterator[Finding]]:
    def judge(host: Host) -> Iterator[Finding]:
        found = host.get(_limit, row.item)
        if found is None:
            yield Pass(f"nothing limits {row.item}", Evidence(_where(host), None, "no limit"))
            return
        value, file = found
        if row.item == "nproc" and value < row.enough:
            value = max(0, value - host.get(other_processes))
        seen = Evidence(file, None, f"{row.item} {value}", f"at least {row.enough}")
        fix = raise_limit(host, row.item)
        if value < row.fails_below:
            yield Fail(
                f"{row.item} is limited to {value}: LXC needs {row.works_from}", seen, fix=fix
            )
        elif value < row.works_from:
            yield Undecided(f"{row.item} is limited to {value}, which may be too little", seen)
        elif value < row.enough:
            yield Fail(
                f"{row.item} is limited to {value}: little for a distribution as guest",
                seen,
                fix=fix,
                level=Level.DEGRADED,
                stages=(),
            )
        else:
            yield Pass(f"{row.item} may be {value}", seen)

    return judge


def other_processes(host: Host) -> int:
    """How many processes the user has besides the ones that type and run the command."""
    uid, count = host.get(target).uid, 0
    for name in host.list("/proc") or ():
        if name.isdecimal():
            stat = host.stat(f"/proc/{name}")
            count += stat is not None and stat.uid == uid
    return max(0, count - 2) if host.get(is_mine) else count


def _where(host: Host) -> str:
    return "/proc/self/limits" if host.get(is_mine) else limits.CONF


_DOC = """{title}: RLIMIT_{upper} of the session.

In the user's own session it is read; for the next login limits.conf(5) and the shell's start-up
files say whether something lowers it.

Why: "{error}"
See: getrlimit(2), limits.conf(5), pam_limits(8)
"""

CHECKS = tuple(
    Check(
        f"session.limit_{row.item}",
        row.title,
        Level.BLOCKING,
        _judge(row),
        _DOC.format(title=row.title, upper=row.item.upper(), error=row.error),
        row.stages,
        ("host.user",),
    )
    for row in ROWS
)
