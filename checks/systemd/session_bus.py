from collections.abc import Iterator

from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.init import SYSTEMD, init_system
from audit.facts.lxc import lxc_version, version_text
from audit.facts.seats import FIXED_BUS, READS_ENVIRONMENT, bus_for_lxc, bus_variable, speaks_dbus
from audit.facts.systemd import own_runtime_dir, user_manager
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations import systemd
from remediations.cgroups import name_bus, start_apart


@check(
    "LXC finds the user's session bus",
    Level.DEGRADED,
    after=("systemd.user_manager", "cgroup.layout"),
)
def session_bus(host: Host) -> Iterator[Finding]:
    """LXC with D-Bus support asks the user's systemd for a scope by itself, over the session bus.

    It needs the socket (a D-Bus daemon of the user, dbus-user-session on Debian) and its address in
    DBUS_SESSION_BUS_ADDRESS. LXC 6.0.0 to 6.0.3 knows no address but /run/user/1000/bus, and later
    releases fall back on that one. Without the bus it goes on as older releases do: a container
    without a cgroup of its own.

    Why: "unpriv_systemd_create_scope: Failed opening dbus connection" (ERROR, not fatal)
    See: LXC issues 4508 and 4511; LXC src/lxc/cgroups/cgfsng.c (open_systemd)
    """
    if host.get(init_system) != SYSTEMD or host.get(cgroup_layout) != UNIFIED:
        raise NotApplicable("LXC asks for a scope only under systemd with cgroup2 alone")
    if not host.get(speaks_dbus):
        raise NotApplicable(f"LXC {host.get(version_text)} here does not speak D-Bus")
    manager = host.get(user_manager)
    if not manager.available:
        raise NotApplicable("the user has no user manager")
    own = f"{host.get(own_runtime_dir)}/bus"
    address = host.get(bus_variable)
    seen = Evidence("DBUS_SESSION_BUS_ADDRESS", None, address or "unset", f"unix:path={own}")
    if host.get(bus_for_lxc):
        yield Pass("the bus is there and LXC knows where", seen)
    elif not manager.bus:
        yield Fail(
            f"the user has no D-Bus daemon ({own}): a plain lxc-start gets no scope",
            Evidence(own, None, "missing", "a socket"),
            fix=systemd.session_bus(host),
        )
    elif host.get(lxc_version) < READS_ENVIRONMENT:
        yield Fail(
            f"LXC {host.get(version_text)} asks {FIXED_BUS} for a scope, whoever the user is",
            Evidence(own, None, own, FIXED_BUS),
            fix=start_apart(host),
        )
    else:
        yield Fail(
            f"DBUS_SESSION_BUS_ADDRESS is not set: LXC asks {FIXED_BUS} instead of {own}",
            seen,
            fix=name_bus(own),
        )
