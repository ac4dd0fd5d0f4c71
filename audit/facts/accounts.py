"""Accounts and groups: passwd(5), group(5), and whose containers the audit is about."""

from __future__ import annotations

import re
from typing import cast

from audit.access import Credentials
from audit.host import Host
from audit.model import NotApplicable, Unknown
from audit.records import NamedTuple

BLANKS = " \t\v\f\r"  # isspace(3) in the C locale, less the line's end
# strtoul(3) in base 10 as nss_files calls it: blanks, a sign, and nothing behind the digits
NUMBER = re.compile(r"[ \t\v\f\r]*\+?0*([0-9]{1,10})")
MAX_ID = 0xFFFFFFFF


class Account(NamedTuple):
    """One line of passwd(5)."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def parse_passwd_line(line: str) -> Account | None:
    """A passwd line as glibc's nss_files and fgetpwent(3) read it; None for what they skip.

    Blanks in front do not count, fields may be missing at the end, and the shell is the whole rest.
    """
    line = line.partition("\0")[0].lstrip(BLANKS)
    fields = line.split(":", 6)
    if len(fields) < 4 or not fields[0] or line[0] in "#+-":
        return None
    uid, gid = _number(fields[2]), _number(fields[3])
    if uid is None or gid is None:
        return None
    home, shell = (*fields[5:], "", "")[:2]
    return Account(fields[0], uid, gid, home, shell)


def local_accounts(host: Host) -> tuple[Account, ...]:
    """The accounts of /etc/passwd, in its order."""
    text = host.read("/etc/passwd") or ""
    # Not splitlines(): C ends a line at \n only, and a full name may hold U+2028.
    return tuple(account for line in text.split("\n") if (account := parse_passwd_line(line)))


def parse_group_line(line: str) -> tuple[str, int, tuple[str, ...]] | None:
    """Name, gid and members of a line as glibc's nss_files reads it, None for what it skips."""
    line = line.partition("\0")[0].lstrip(BLANKS)
    fields = line.split(":", 3)
    if len(fields) < 3 or not fields[0] or line[0] in "#+-":
        return None
    gid = _number(fields[2])
    if gid is None:
        return None
    members = (name.lstrip(BLANKS) for name in "".join(fields[3:]).split(","))
    return fields[0], gid, tuple(name for name in members if name)


def local_groups(host: Host) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """The groups of /etc/group: (name, gid, members)."""
    text = host.read("/etc/group") or ""
    return tuple(group for line in text.split("\n") if (group := parse_group_line(line)))


def _number(field: str) -> int | None:
    """A uid or gid field; None where glibc refuses the line."""
    found = NUMBER.fullmatch(field)
    if found is None or int(found[1]) > MAX_ID:
        return None
    return int(found[1])


def name_service(host: Host, database: str) -> tuple[str, ...]:
    """The sources that nsswitch.conf(5) names for a database; glibc's default is `files`."""
    for line in (host.read("/etc/nsswitch.conf") or "").split("\n"):
        name, colon, sources = line.partition("#")[0].partition(":")
        if colon and name.strip() == database:
            return tuple(word for word in sources.split() if not word.startswith("["))
    return ("files",)


def is_local_only(host: Host, database: str) -> bool:
    """Whether a database has no source but local files.

    `systemd` does not count: it only adds transient users and root.
    """
    return set(host.get(name_service, database)) <= {"files", "compat", "systemd", "altfiles"}


def account_named(host: Host, key: str) -> Account | None:
    """The account called `key`, or with that uid when `key` is a number that nobody is called.

    None when the name service has none.
    """
    accounts = host.get(local_accounts)
    for account in accounts:
        if account.name == key:
            return account
    uid = _number(key)
    for account in accounts:
        if uid is not None and account.uid == uid:
            return account
    if host.get(is_local_only, "passwd"):
        return None
    line = cast("str | None", host.ask("getent", "passwd", key))
    return parse_passwd_line(line) if line else None


def target(host: Host) -> Account:
    """The account whose containers are judged.

    Raises Unknown when the host does not know it, NotApplicable when no user was named or root was:
    what root owns is no container of an ordinary user, and `host.user` says so.
    """
    if not host.request.user:
        raise NotApplicable("no user was named: --user says who will own the containers")
    found = host.get(account_named, host.request.user)
    if found is None:
        raise Unknown(f"there is no account called {host.request.user}")
    if found.uid == 0:
        raise NotApplicable("root's own containers are not unprivileged ones")
    return found


def login_groups(host: Host) -> frozenset[int]:
    """The gids of the target's next login, as initgroups(3) sets them, the primary one included."""
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
