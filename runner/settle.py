"""Waiting until a container is really up.

lxc-start returns 0 for a guest that is dead seconds later: without a cgroup that it may write,
systemd ends with "Failed to create /init.scope control group". What is not alive six seconds after
its start has not started. Two kinds of init show earlier that they have got through.
"""

from __future__ import annotations

import time

from runner.errors import Failed, TimedOut
from runner.info import RUNNING, Info, cgroups, info, init_name
from runner.processes import checkpoint, process

ALIVE_AFTER = 6.0  # seconds
QUIET = 0.2  # seconds that busybox, sysvinit or OpenRC's init has to sleep in a row
PERIOD = 0.02
ADDRESS_PERIOD = 0.1
ADDRESS_SECONDS = 20.0  # that a DHCP server may take


def until_alive(name: str, deadline: float) -> Info:
    """Wait until a started container's init has shown that it lives.

    Raises Failed when it has ended, TimedOut at the deadline (of time.monotonic).
    """
    found = info(name)
    if found.state != RUNNING or not found.pid:
        raise Failed(f"{name} is {found.state}, not {RUNNING}")
    started = slept = time.monotonic()
    while (now := time.monotonic()) - started < ALIVE_AFTER:
        init = process(found.pid)
        if init is None or init.state in "ZX":
            raise Failed(f"the init of {name} ended {now - started:.1f} s after the start")
        if init.state != "S":
            slept = now
        word = init_name(found.pid)
        if word == "systemd" and _has_scope(found.pid):
            break
        if word == "init" and now - slept >= QUIET:
            break
        if now > deadline:
            raise TimedOut(f"{name} was not up within the time that --timeout allows")
        checkpoint()
        time.sleep(PERIOD)
    # a container that restarts itself has another init by now
    again = info(name)
    if again.state != RUNNING or again.pid != found.pid:
        raise Failed(f"{name} is {again.state} {time.monotonic() - started:.1f} s after the start")
    return again


def _has_scope(pid: int) -> bool:
    """Whether systemd has moved itself into init.scope: what it cannot do without a cgroup of its
    own, and does before all else.
    """
    return any(path.endswith("/init.scope") for path in cgroups(pid).values())


def until_addressed(name: str, deadline: float) -> tuple[str, ...]:
    """The container's addresses as soon as it has one; empty when none came in time."""
    until = min(deadline, time.monotonic() + ADDRESS_SECONDS)
    while True:
        found = info(name, addresses=True)
        if found.state != RUNNING:
            raise Failed(f"{name} is {found.state} while it waits for an address")
        useful = tuple(one for one in found.addresses if not one.startswith(("fe80:", "127.")))
        if useful or time.monotonic() > until:
            return useful
        checkpoint()
        time.sleep(ADDRESS_PERIOD)
