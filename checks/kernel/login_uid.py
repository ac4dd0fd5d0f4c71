from collections.abc import Iterator

from audit.host import Host
from audit.model import Evidence, Finding, Level, Pass, Unknown, check


@check("Whether the kernel tracks login sessions is known", Level.INFO)
def login_uid(host: Host) -> Iterator[Finding]:
    """The kernel keeps a login uid for each process (CONFIG_AUDIT), or it does not.

    pam_loginuid(8) fails a login without it where it is `required`; the checks of PAM lean on this.

    Why: "pam_loginuid: set_loginuid failed" ends a login, and with it every lxc command.
    See: pam_loginuid(8), proc_pid_loginuid(5)
    """
    if host.lstat("/proc/self/loginuid") is not None:
        yield Pass("it does", Evidence("/proc/self/loginuid", None, "exists"))
    elif host.lstat("/proc/self/status") is not None:
        yield Pass("it does not", Evidence("/proc/self/loginuid", None, "does not exist"))
    else:
        raise Unknown("/proc is not mounted")
