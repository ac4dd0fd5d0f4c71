from collections.abc import Iterator

from audit.facts.pam import LOGIN_SERVICES, stack
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Fix, Level, Pass, check
from remediations.actions import Remove

FILES = ("/etc/nologin", "/run/nologin")


@check("Logins are not switched off", Level.DEGRADED, after=("host.user",))
def nologin(host: Host) -> Iterator[Finding]:
    """No nologin file keeps users out.

    pam_nologin refuses ssh and console logins of ordinary users while it is there; `su` from root
    still works.

    Why: "System is going down.", or whatever stands in the file
    See: nologin(5), pam_nologin(8)
    """
    for file in FILES:
        if host.lstat(file) is None:
            continue
        refusing = [
            service
            for service in LOGIN_SERVICES
            if any(rule.module == "pam_nologin" for rule in host.get(stack, service))
        ]
        if refusing:
            yield Fail(
                f"{file} keeps ordinary users out of {' and '.join(refusing)}",
                Evidence(file, None, "exists", "absent"),
                fix=Fix("nologin", "let users log in again", (Remove(file),)),
            )
            return
    yield Pass("no nologin file is in force", Evidence(FILES[0], None, "absent"))
