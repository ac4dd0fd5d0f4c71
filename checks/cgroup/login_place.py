from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.cgroup import PROC, session_cgroups
from audit.facts.init import SYSTEMD, init_system
from audit.facts.libcgroup import destination, rule_for_user
from audit.facts.seats import session_seat
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.session import own_login


@check(
    "The session is in the cgroup that logins are meant to get",
    Level.DEGRADED,
    after=("systemd.user_manager", "cgroup.cgrules"),
)
def login_place(host: Host) -> Iterator[Finding]:
    """/proc/self/cgroup shows /user.slice/user-UID.slice/... under systemd, and what cgrules.conf
    says under libcgroup.

    What was set up after the login takes effect at the next one. So does a session that was opened
    for somebody else (su without -) keep that user's cgroup.

    Why: what this session does is no sign of what the next login will do, nor the other way round.
    See: proc_pid_cgroup(5)
    """
    if host.get(session_cgroups) is None:
        raise NotApplicable("this is about a session of the user; the next login has none yet")
    where = host.get(session_seat).where
    account = host.get(target)
    if host.get(init_system) == SYSTEMD:
        wanted = f"/user.slice/user-{account.uid}.slice/"
        good = where.startswith(wanted)
    else:
        rule = host.get(rule_for_user)
        if rule is None:
            raise NotApplicable("nothing says where logins go")
        wanted = f"/{host.get(destination, rule)}"
        # A start may leave the place of the login for another one below the same cgroup.
        top = wanted.rpartition("/")[0] or wanted
        good = where == top or where.startswith(top + "/")
    seen = Evidence(PROC, 1, where, wanted)
    if good:
        yield Pass(f"it is in {where}", seen)
        return
    yield Fail(
        f"this session is in {where}, not in {wanted}: log in anew (ssh or a terminal, not su)",
        seen,
        fix=own_login(host, "log in anew"),
    )
