from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import HELPERS, Obstacle, obstacle, writes_directly
from audit.facts.subids import FILES, login_default, plugin
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from checks.idmap.within_subids import sources
from remediations.idmap import grant


@check("The user has subordinate uids and gids", Level.BLOCKING, stages=EVERYTHING)
def subid_entry(host: Host) -> Iterator[Finding]:
    """/etc/subuid and /etc/subgid (or the NSS plugin for `subid`) grant the user something.

    Both files name the *user*, /etc/subgid too. `useradd` writes the lines for ordinary accounts;
    accounts of `useradd --system`, of BusyBox' adduser and of a directory (LDAP, SSSD) get none.

    Why: "newuidmap: uid range [0-1) -> [100000-100001) not allowed"
    See: subuid(5), subgid(5), useradd(8), shadow lib/subordinateio.c (find_range)
    """
    account = host.get(target)
    if host.get(writes_directly) and account.uid == 0:
        raise NotApplicable("root without working helpers writes any map itself")
    causes = {kind: host.get(obstacle, kind) for kind in HELPERS}
    without = [kind for kind, cause in causes.items() if cause is Obstacle.ENTRY]
    judged = False
    for kind, cause in causes.items():
        if cause in (Obstacle.FILE, Obstacle.SYNTAX):
            continue
        judged = True
        if cause is not Obstacle.ENTRY:
            where = sources(host, kind) or (Evidence(FILES[kind]),)
            yield Pass(f"{account.name} has the {kind}s it needs", *where, subject=kind)
            continue
        source = FILES[kind]
        if (name := host.get(plugin)) is not None:
            message = (
                f"the NSS plugin {name} grants {account.name} no {kind}s, and {source} is not read"
            )
        else:
            message = f"{source} has no line for {account.name}{hint(host, kind)}"
        yield Fail(
            message,
            Evidence(source, None, "no line", f"{account.name}:FIRST_ID:65536"),
            subject=kind,
            fix=None if name else grant(host, *without),
        )
    if not judged:
        raise NotApplicable("what the files grant cannot be told before they can be read")


def hint(host: Host, kind: str) -> str:
    """Why the account was never given any, where that can be seen."""
    account = host.get(target)
    low = host.get(login_default, "UID_MIN", 1000)
    if host.get(login_default, f"SUB_{kind.upper()}_COUNT", 65536) == 0:
        return f" (useradd gives none here: SUB_{kind.upper()}_COUNT is 0 in login.defs)"
    if account.uid < low:
        return f" (uid {account.uid} is a system account's, and useradd gives these none)"
    return ""
