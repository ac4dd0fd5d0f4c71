"""Which stages a cgroup problem decides: one table for all checks of cgroups."""

from __future__ import annotations

from audit.facts.cgstart import Plan, bare_plan, blame, plan_from, run_plan
from audit.facts.seats import run_seat
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


def best_plan(host: Host) -> Plan:
    """A start from the best seat, whether or not `run` has to do without it."""
    return host.get(plan_from, host.get(run_seat))


def given_up(host: Host) -> bool:
    """Whether `run` starts plainly because the better seat keeps the container from starting."""
    return host.get(best_plan) != host.get(run_plan)


def lost_seat(host: Host) -> tuple[Level, tuple[Stage, ...]]:
    """The level and the stages of a check whose failure makes the best seat useless."""
    if not host.get(given_up):
        return Level.BLOCKING, stopped(host)
    plain = host.get(run_plan)
    if not plain.starts:
        return Level.BLOCKING, stopped(host)
    return (Level.BLOCKING, (LIMITS,)) if plain.problems else (Level.DEGRADED, ())


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
