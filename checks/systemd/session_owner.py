from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.cgroup import PROC, session_cgroups
from audit.facts.init import SYSTEMD, init_system
from audit.facts.seats import session_seat
from audit.facts.session import runtime_dir
from audit.facts.systemd import own_runtime_dir
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.session import own_login


@check("The session was opened for the user itself", Level.DEGRADED)
def session_owner(host: Host) -> Iterator[Finding]:
    """The session is not one of another user, entered by su or sudo.

    Such a session keeps the other user's cgroup, in which nothing may be made, and has either no
    XDG_RUNTIME_DIR or the other user's. What that does to a start is told by the checks of cgroups.

    Why: "Failed to connect to bus: No medium found", "$DBUS_SESSION_BUS_ADDRESS and
    $XDG_RUNTIME_DIR not defined" (systemd-run)
    See: pam_systemd(8), machinectl(1) shell
    """
    if host.get(init_system) != SYSTEMD:
        raise NotApplicable("systemd does not run here")
    if host.get(session_cgroups) is None:
        raise NotApplicable("this is about a session of the user; the next login has none yet")
    account = host.get(target)
    where = host.get(session_seat).where
    own = f"user-{account.uid}.slice"
    runtime = host.get(runtime_dir)
    fix = own_login(host, f"log in as {account.name}")
    if "/user-" in where and f"/{own}" not in where:
        yield Fail(
            f"this session belongs to another user ({where}): log in as {account.name}",
            Evidence(PROC, 1, where, f"/user.slice/{own}/..."),
            fix=fix,
        )
    elif runtime not in (None, host.get(own_runtime_dir)):
        yield Fail(
            f"XDG_RUNTIME_DIR is {runtime}: it was left over from another user's session",
            Evidence("XDG_RUNTIME_DIR", None, runtime or "", host.get(own_runtime_dir)),
            fix=fix,
        )
    else:
        yield Pass(f"it is {account.name}'s", Evidence(PROC, 1, where))
