"""Who could own containers on this host: for an audit that names no user."""

from __future__ import annotations

from audit.facts.accounts import Account, local_accounts
from audit.host import Host
from audit.records import NamedTuple

FIRST_USER = 1000  # UID_MIN of login.defs(5) as every distribution ships it
LAST_USER = 60000
NO_LOGIN = ("nologin", "false", "sync", "shutdown", "halt")


class Candidate(NamedTuple):
    """An account that could own containers."""

    name: str
    has_subids: bool


def candidates(host: Host) -> tuple[Candidate, ...]:
    """The ordinary accounts that can log in, those with subordinate uids first."""
    text = host.read("/etc/subuid") or ""
    owners = {line.partition(":")[0] for line in text.split("\n")}
    people = [account for account in host.get(local_accounts) if _can_own(account)]
    found = (Candidate(a.name, a.name in owners or str(a.uid) in owners) for a in people)
    return tuple(sorted(found, key=lambda candidate: not candidate.has_subids))


def _can_own(account: Account) -> bool:
    shell = account.shell.rpartition("/")[2]
    return FIRST_USER <= account.uid <= LAST_USER and shell not in NO_LOGIN
