"""Accounts and groups: passwd(5), group(5), and whose containers the audit is about."""

from __future__ import annotations

from typing import NamedTuple, cast

from audit.access import Credentials
from audit.host import Host
from audit.model import Unknown


class Account(NamedTuple):
    """One line of passwd(5)."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def parse_passwd_line(line: str) -> Account | None:
    """A passwd line as glibc's fgetpwent reads it; None for what it skips."""
    fields = line.split(":")
    if (
        len(fields) < 7
        or not fields[0]
        or line[0] in "#+-"
        or not (fields[2].isdigit() and fields[3].isdigit())
    ):
        return None
    return Account(fields[0], int(fields[2]), int(fields[3]), fields[5], fields[6])


def local_accounts(host: Host) -> tuple[Account, ...]:
    """The accounts of /etc/passwd, in its order."""
    text = host.read("/etc/passwd") or ""
    return tuple(account for line in text.splitlines() if (account := parse_passwd_line(line)))


def parse_group_line(line: str) -> tuple[str, int, tuple[str, ...]] | None:
    """(name, gid, members) of a group line, None for what glibc skips."""
    fields = line.split(":")
    if len(fields) < 4 or not fields[0] or line[0] in "#+-" or not fields[2].isdigit():
        return None
    return fields[0], int(fields[2]), tuple(name for name in fields[3].split(",") if name)


def local_groups(host: Host) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """The groups of /etc/group: (name, gid, members)."""
    text = host.read("/etc/group") or ""
    return tuple(group for line in text.splitlines() if (group := parse_group_line(line)))


def name_service(host: Host, database: str) -> tuple[str, ...]:
    """The sources that nsswitch.conf(5) names for a database; glibc's default is `files`."""
    for line in (host.read("/etc/nsswitch.conf") or "").splitlines():
        name, colon, sources = line.partition("#")[0].partition(":")
        if colon and name.strip() == database:
            return tuple(word for word in sources.split() if not word.startswith("["))
    return ("files",)


def is_local_only(host: Host, database: str) -> bool:
    """Whether a database has no source but local files (`systemd` only adds transient users and root)."""
    return set(host.get(name_service, database)) <= {"files", "compat", "systemd", "altfiles"}


def account_named(host: Host, key: str) -> Account | None:
    """The account called `key`, or with that uid when `key` is a number nobody is called; None when NSS has none."""
    accounts = host.get(local_accounts)
    for account in accounts:
        if account.name == key:
            return account
    for account in accounts:
        if key.isdigit() and account.uid == int(key):
            return account
    if host.get(is_local_only, "passwd"):
        return None
    line = cast("str | None", host.ask("getent", "passwd", key))
    return parse_passwd_line(line) if line else None


def target(host: Host) -> Account:
    """The account whose containers are judged. Raises Unknown when it is not known to the host."""
    found = host.get(account_named, host.request.user)
    if found is None:
        raise Unknown(f"there is no account called {host.request.user}")
    return found


def login_groups(host: Host) -> frozenset[int]:
    """The gids of the target's next login: primary and supplementary, as initgroups(3) would set them."""
    account = host.get(target)
    if host.get(is_local_only, "group"):
        listed = {gid for _, gid, members in host.get(local_groups) if account.name in members}
        return frozenset({account.gid, *listed})
    gids = cast("list[int] | None", host.ask("groups", account.name))
    return frozenset({account.gid, *(gids or ())})


def credentials(host: Host) -> Credentials:
    """The target user as the kernel sees its next login session."""
    account = host.get(target)
    return Credentials(account.uid, account.gid, host.get(login_groups))
