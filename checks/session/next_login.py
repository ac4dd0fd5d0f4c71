from collections.abc import Iterator

from audit.facts.accounts import login_groups, target
from audit.facts.login import environment
from audit.facts.login import umask as next_umask
from audit.facts.session import (
    is_mine,
    runtime_dir,
    session_gid,
    session_groups,
    umask,
)
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check


@check("The next login will be like this session", Level.INFO, after=("host.user",))
def next_login(host: Host) -> Iterator[Finding]:
    """Groups, umask and XDG_RUNTIME_DIR of this session are those of the next login.

    The answers of this report are about the session it was made in. A group given yesterday is not
    in a session of the day before; `su`, `sudo`, cron and units make sessions of their own kind.

    Why: "newuidmap: Target process N is owned by a different user", "Quota reached" after a
    relogin, for a group that one session has and the other lacks
    See: credentials(7), getgroups(2); pam_umask(8), pam_systemd(8)
    """
    if not host.get(is_mine):
        raise NotApplicable("the report is about the next login")
    pairs = (
        ("primary group", str(host.get(session_gid)), str(host.get(target).gid)),
        ("groups", _ids(host.get(session_groups)), _ids(host.get(login_groups))),
        ("umask", f"{host.get(umask):03o}", f"{host.get(next_umask):03o}"),
        (
            "XDG_RUNTIME_DIR",
            host.get(runtime_dir) or "unset",
            host.get(environment).get("XDG_RUNTIME_DIR", "unset"),
        ),
    )
    differing = [(what, now, then) for what, now, then in pairs if now != then]
    for what, now, then in differing:
        yield Fail(
            f"{what}: {now} in this session, {then} at the next login",
            Evidence("the session", None, now, then),
            subject=what,
        )
    if not differing:
        yield Pass("groups, umask and XDG_RUNTIME_DIR are those of the next login")


def _ids(gids: frozenset[int]) -> str:
    return ",".join(str(gid) for gid in sorted(gids))
