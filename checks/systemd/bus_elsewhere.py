from collections.abc import Iterator

from audit.facts.init import SYSTEMD, init_system
from audit.facts.lxc import lxc_version, version_text
from audit.facts.seats import bus_variable, session_seat, speaks_dbus
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import (
    BARE_START,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.cgroups import without_bus

TIMES_OUT = (6, 0, 6)  # v6.0.6 gives each of its 99 tries five seconds; before it waits for ever
LOOKS_FIRST = (7, 0, 0)  # LXC 7.0 asks only where /run/systemd/system is


@check(
    "LXC does not wait for a systemd that is not there",
    Level.DEGRADED,
    stages=(BARE_START,),
)
def bus_elsewhere(host: Host) -> Iterator[Finding]:
    """Without systemd no session bus makes LXC 6.0 ask it for a scope.

    LXC 6.0 with D-Bus support asks whatever answers at DBUS_SESSION_BUS_ADDRESS, on a host with
    cgroup2 alone. A bus without systemd answers that it does not know such a service, and LXC waits
    for a signal that never comes. LXC 7.0 looks at /run/systemd/system first.

    Why: lxc-start prints nothing and does not come back.
    See: LXC commit 88b44a5; LXC src/lxc/cgroups/cgfsng.c (start_scope)
    """
    if host.get(init_system) == SYSTEMD:
        raise NotApplicable("systemd runs here")
    release = host.get(lxc_version)
    if not (6,) <= release < LOOKS_FIRST or not host.get(speaks_dbus):
        raise NotApplicable(f"LXC {host.get(version_text)} here does not ask")
    if not host.get(is_mine):
        raise NotApplicable("whether the next login has a session bus depends on what it starts")
    address = host.get(bus_variable)
    seen = Evidence("DBUS_SESSION_BUS_ADDRESS", None, address or "unset", "unset")
    if address is None or host.get(session_seat).lines != 1:
        yield Pass("no session bus that LXC would ask", seen)
        return
    how = "for minutes" if release >= TIMES_OUT else "for ever"
    yield Fail(
        f"a plain lxc-start waits {how} for a systemd behind {address}",
        seen,
        fix=without_bus(),
    )
