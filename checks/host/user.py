from collections.abc import Iterator

from audit.facts.accounts import account_named
from audit.facts.owners import candidates
from audit.host import Host
from audit.model import (
    EVERYTHING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    Outcome,
    Pass,
    Unknown,
    check,
)
from remediations.account import create, is_name
from remediations.actions import Manual
from remediations.quoting import word

SHOWN = 5
DEFAULT = "lxc"  # who will own the containers where nobody says who


@check(
    "The user who will own the containers is an ordinary account", Level.BLOCKING, stages=EVERYTHING
)
def user(host: Host) -> Iterator[Finding]:
    """The audit is about an account that the name service knows and that is not root.

    newuidmap(1) looks the caller up by uid and refuses to work for one without a passwd entry (a
    uid of the surrounding container, a directory that is offline); containers of root are not what
    `unprivileged` means here. Root may ask without naming a user: then the host is judged, and
    nothing that depends on the user.

    Why: "newuidmap: Cannot determine your user name."
    See: newuidmap(1), passwd(5), shadow src/newuidmap.c
    """
    asked = host.request.user
    if not asked:
        yield _nobody_named(host)
        return
    account = host.get(account_named, asked)
    if account is None:
        who = f"uid {asked}" if asked.isdigit() else asked
        yield Fail(
            f"{who} has no entry in passwd: newuidmap cannot determine the user's name",
            Evidence("/etc/passwd", None, "no entry", f"an account for {who}"),
            fix=create(host, asked) if is_name(asked) else None,
        )
        return
    seen = Evidence("/etc/passwd", None, f"{account.name}:{account.uid}", "a uid other than 0")
    if account.uid == 0:
        message = "root's own containers are not unprivileged ones: name a user with --user"
        yield Fail(message, seen, fix=_named(host))
    else:
        yield Pass(f"{account.name} has uid {account.uid}", seen)


def _nobody_named(host: Host) -> Finding:
    people = host.get(candidates)
    if not people:
        message = "no user was named, and this host has no ordinary account that could be one"
        return Finding(Outcome.UNKNOWN, message, fix=create(host, DEFAULT))
    names = ", ".join(
        f"{one.name} (has subordinate ids)" if one.has_subids else one.name
        for one in people[:SHOWN]
    )
    more = f" and {len(people) - SHOWN} more" if len(people) > SHOWN else ""
    name = _named(host)
    return Finding(
        Outcome.UNKNOWN, f"no user was named; containers could be owned by {names}{more}", fix=name
    )


def _named(host: Host) -> Fix:
    """Ask again about a user, one that is there if there is any."""
    try:
        people = host.get(candidates)
    except Unknown:
        people = ()
    name = word(people[0].name) if people else DEFAULT
    line = f"lxc-preflight audit --user {name}"
    return Fix("name_user", "say who will own the containers", (Manual((line,)),))
