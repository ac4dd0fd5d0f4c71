from collections.abc import Iterator
from typing import cast

from audit.facts.accounts import target
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, Unknown, check
from remediations.session import login_shell, no_expiry

REFUSING = ("nologin", "false", "true", "sync", "halt", "shutdown")


@check("The user can log in", Level.BLOCKING, stages=EVERYTHING, after=("host.user",))
def login(host: Host) -> Iterator[Finding]:
    """The account has a shell that gives a session, and has not expired.

    Judged for the next login. In a session of the user's own, only what would stop the next one is
    told.

    Why: "This account is currently not available.", "Your account has expired; please contact your
    system administrator."
    See: nologin(8), shadow(5), chage(1)
    """
    account = host.get(target)
    shell = account.shell or "/bin/sh"
    findings = [found for found in (_shell(host, shell), _expiry(host)) if found is not None]
    if not findings:
        yield Pass(f"{account.name} can log in", Evidence("/etc/passwd", None, f"shell {shell}"))
    for found in findings:
        # Who is in already is not thrown out.
        yield found._replace(level=Level.DEGRADED, stages=()) if host.get(is_mine) else found


def _shell(host: Host, shell: str) -> Finding | None:
    account = host.get(target)
    seen = Evidence("/etc/passwd", None, f"{account.name}: shell {shell}", "a login shell")
    fix = login_shell(host)
    if shell.rpartition("/")[2] in REFUSING:
        return Fail(
            f"{account.name}'s shell is {shell}: there are no login sessions", seen, fix=fix
        )
    stat = host.stat(shell)
    if stat is None or stat.kind != "file" or not stat.mode & 0o111:
        return Fail(f"{account.name}'s shell {shell} cannot be run", seen, fix=fix)
    return None


def _expiry(host: Host) -> Finding | None:
    """The expiry in shadow(5). A session of the user's own cannot read it, and is not stopped by
    it.
    """
    account = host.get(target)
    try:
        answer = cast("dict[str, int | None] | None", host.ask("expiry", account.name))
    except Unknown:
        if host.get(is_mine):
            return None
        raise
    expires = None if answer is None else answer["expires"]
    if expires is None or expires > cast("int", host.ask("today")):
        return None
    return Fail(
        f"the account {account.name} has expired",
        Evidence("/etc/shadow", None, f"expired on day {expires}", "no expiry"),
        fix=no_expiry(host, expires),
    )
