"""Which stages a cgroup problem decides: one table for all checks of cgroups."""

from __future__ import annotations

from audit.facts.cgstart import bare_plan, blame, run_plan
from audit.host import Host
from audit.model import BARE_START, LIMITS, NETWORK, START, Level, Stage


def stopped(host: Host) -> tuple[Stage, ...]:
    """The stages that fail when `run` cannot get the container up: bare_start as well unless a
    plain start can.
    """
    stages: tuple[Stage, ...] = (START, NETWORK, LIMITS)
    return stages if host.get(bare_plan).starts else (START, BARE_START, NETWORK, LIMITS)


def is_cause(host: Host, label: str) -> bool:
    """Whether a problem of the start is one in its own right, not a consequence of a missing
    cgroup.
    """
    return label in host.get(run_plan).problems and label not in host.get(blame).problems


def consequences(host: Host, check: str) -> tuple[Level, tuple[Stage, ...]]:
    """The level and the stages of the check that misses the user's cgroup."""
    fault = host.get(blame)
    if fault.check != check:
        return Level.DEGRADED, ()
    fatal = fault.problems - {"ignored"}
    if fatal:
        return Level.BLOCKING, stopped(host)
    if fault.problems:
        return Level.BLOCKING, (LIMITS,)
    return Level.DEGRADED, ()
