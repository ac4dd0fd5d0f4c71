from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.pam import login_service, session_rule, stack
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check

UNSET = "4294967295"


@check("A login sets its login uid", Level.INFO, after=("host.user",))
def loginuid(host: Host) -> Iterator[Finding]:
    """pam_loginuid.so is in the stack of the login service, and never in that of su or sudo.

    With it the audit trail names the user who logged in, whatever it becomes later. Sessions of su,
    cron and units carry another login uid or none.

    Why: "pam_loginuid(sshd:session): set_loginuid failed"
    See: pam_loginuid(8), proc_pid_loginuid(5)
    """
    if host.lstat("/proc/self/loginuid") is None:
        raise NotApplicable("this kernel keeps no login uids")
    if host.get(is_mine):
        value = (host.read("/proc/self/loginuid") or "").strip()
        uid = str(host.get(target).uid)
        seen = Evidence("/proc/self/loginuid", None, value, uid)
        if value == uid:
            yield Pass(f"the login uid is {uid}", seen)
        else:
            shown = "unset" if value == UNSET else value
            yield Fail(f"the login uid of this session is {shown}, not {uid}", seen)
        return
    for service in ("su", "su-l", "sudo"):
        for rule in host.get(stack, service):
            if rule.module == "pam_loginuid":
                yield Fail(
                    f"pam_loginuid is in the stack of {service}, where it renames the session",
                    Evidence(rule.file, rule.line, f"session {rule.control} pam_loginuid.so"),
                )
                return
    service_name = host.get(login_service)
    if service_name is None:
        raise NotApplicable("no login service is configured with PAM")
    found = host.get(session_rule, "pam_loginuid")
    if found is None:
        yield Fail(
            f"pam_loginuid is not in the stack of {service_name}: logins there have no login uid",
            Evidence(
                f"/etc/pam.d/{service_name}", None, "absent", "session required pam_loginuid.so"
            ),
        )
    else:
        yield Pass(
            f"{service_name} sets the login uid",
            Evidence(found.file, found.line, f"session {found.control} pam_loginuid.so"),
        )
