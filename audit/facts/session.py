"""The session that LXC will run in: the asking one when it is the target user's own, else the next
login.

Root audits for somebody else. Root's environment, groups and limits are then nobody's: what counts
is the session that the user will get at the next login, and that is predicted in
audit/facts/login.py.
"""

from __future__ import annotations

from typing import Any, cast

from audit.access import Credentials
from audit.facts import login
from audit.facts.accounts import login_groups, target
from audit.host import Host
from audit.records import NamedTuple


class Asking(NamedTuple):
    """The process that asked the questions."""

    uid: int
    gid: int
    groups: frozenset[int]
    umask: int


def asking(host: Host) -> Asking:
    """The credentials of the asking process. Raises Unknown for a directory tree, which nobody runs
    in.
    """
    answer = cast("dict[str, Any]", host.ask("self"))
    return Asking(answer["uid"], answer["gid"], frozenset(answer["groups"]), answer["umask"])


def is_mine(host: Host) -> bool:
    """Whether the asking process is the target user's own, so that its session is the one LXC will
    run in.

    True for a live audit run as the user, and for a snapshot that the user recorded.
    """
    if host.source.kind == "root":
        return False
    return host.get(asking).uid == host.get(target).uid


def variable(host: Host, name: str) -> str | None:
    """An environment variable of the session (environ(7)); None when it is unset."""
    if host.get(is_mine):
        return host.env(name)
    return host.get(login.environment).get(name)


def search_path(host: Host) -> tuple[str, ...]:
    """The directories of the session's PATH, in order, without empty entries; empty when PATH is
    unset.
    """
    return tuple(part for part in (host.get(variable, "PATH") or "").split(":") if part)


def home_dir(host: Host) -> str:
    """$HOME as liblxc uses it: `/` when it is unset (lxc src/lxc/initutils.c), never what passwd
    says.
    """
    home = host.get(variable, "HOME")
    return "/" if home is None else home


def runtime_dir(host: Host) -> str | None:
    """$XDG_RUNTIME_DIR of the session, None when it is unset. An empty one is set, as getenv(3) has
    it.
    """
    return host.get(variable, "XDG_RUNTIME_DIR")


def session_gid(host: Host) -> int:
    """The real gid of the session, which newuidmap compares with the account's."""
    return host.get(asking).gid if host.get(is_mine) else host.get(target).gid


def session_groups(host: Host) -> frozenset[int]:
    """Every gid of the session: its primary and supplementary groups, as getgroups(2) and getgid(2)
    give them.
    """
    if host.get(is_mine):
        process = host.get(asking)
        return process.groups | {process.gid}
    return host.get(login_groups)


def session_credentials(host: Host) -> Credentials:
    """The target user as the kernel sees a process of its session."""
    account = host.get(target)
    return Credentials(account.uid, host.get(session_gid), host.get(session_groups))


def umask(host: Host) -> int:
    """The file mode creation mask of the session."""
    return host.get(asking).umask if host.get(is_mine) else host.get(login.umask)


def parse_status(text: str) -> dict[str, str]:
    """The fields of /proc/PID/status (proc_pid_status(5)), values stripped."""
    fields = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, colon, value in fields if colon}


def status(host: Host, field: str) -> str | None:
    """A field of the asking process's /proc/self/status.

    None at the next login, of which there is no process yet, and when the kernel has no such field.
    """
    if not host.get(is_mine):
        return None
    return parse_status(host.read("/proc/self/status") or "").get(field)


def inherited(host: Host, field: str) -> str | None:
    """A field of /proc/PID/status that children keep (Seccomp, NoNewPrivs, CapBnd), of what the
    session descends from.

    That is the asking process in its own session; a next login descends from init, which starts the
    login services.
    """
    path = "/proc/self/status" if host.get(is_mine) else "/proc/1/status"
    return parse_status(host.read(path) or "").get(field)
