from collections.abc import Iterator

from audit.facts.init import SYSTEMD, init_system
from audit.facts.login import logind_runs
from audit.facts.pam import login_service, session_rule
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, Unknown, check
from remediations.distro import family_of, needed
from remediations.pam import session


@check("Logins are registered with logind", Level.DEGRADED, after=("host.user",))
def runtime_dir_made(host: Host) -> Iterator[Finding]:
    """pam_systemd or pam_elogind is in the session stack where logind or elogind runs.

    Without it a login has no XDG_RUNTIME_DIR, no cgroup of its own and no user manager.

    Why: "XDG_RUNTIME_DIR isn't set in the environment", "Failed to connect to bus: No medium found"
    See: pam_systemd(8), elogind(8)
    """
    if not host.get(logind_runs):
        raise NotApplicable("neither logind nor elogind runs here")
    service = host.get(login_service)
    if service is None:
        raise NotApplicable("no login service is configured with PAM")
    rule = host.get(session_rule, "pam_systemd", "pam_elogind")
    if rule is not None:
        yield Pass(
            f"{rule.module} is in the stack of {service}",
            Evidence(rule.file, rule.line, f"session {rule.control} {rule.module}.so"),
        )
        return
    yield Fail(
        f"no pam_systemd and no pam_elogind in the stack of {service}: its logins have no"
        " XDG_RUNTIME_DIR and no cgroup of their own",
        Evidence(f"/etc/pam.d/{service}", None, "neither", "session optional pam_systemd.so"),
        fix=_fix(host),
    )


def _fix(host: Host) -> Fix:
    """The package of Debian puts the line where it belongs; elsewhere it is a line only."""
    running = _is_systemd(host)
    module, package = ("pam_systemd", "pam-systemd") if running else ("pam_elogind", "elogind")
    missing = needed(host, package)
    lines = () if missing and family_of(host) == "debian" else session(host, module)
    return Fix("pam_logind", "register logins with logind", (*missing, *lines), "re-login")


def _is_systemd(host: Host) -> bool:
    try:
        return host.get(init_system) == SYSTEMD
    except Unknown:
        return True
