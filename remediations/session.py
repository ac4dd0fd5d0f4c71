"""Sessions: another one than this, and whether there can be one at all."""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.init import SYSTEMD, init_system
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.account import FILES
from remediations.actions import NOBODY, ROOT, Action, Manual, Run
from remediations.distro import needed
from remediations.quoting import word

RELOGIN = "re-login"
SHELLS = ("/bin/bash", "/bin/sh")
# What the tools of shadow leave beside the files that they change.
BACKUPS = tuple(path for path in FILES if path.endswith("-"))


def own_login(host: Host, title: str) -> Fix:
    """Start LXC from a session that a login made, and not from one that something else did."""
    name = word(host.get(target).name)
    lines = [f"ssh {name}@localhost"]
    try:
        if host.get(init_system) == SYSTEMD:
            lines += ["# or, as root:", f"machinectl shell {name}@"]
    except Unknown:
        pass
    return Fix("own_login", title, (Manual(tuple(lines), NOBODY),), RELOGIN)


def outer_system(title: str, *lines: str) -> Fix:
    """Start this system with more privilege: only what it runs in can give it."""
    return Fix("outer_system", title, (Manual(lines, ROOT),), RELOGIN)


# login.defs(5) UID_MIN by default, and nfsnobody's and nobody's id nearly everywhere
FIRST_USER, NOBODY_UID = 1000, 65534


def login_shell(host: Host) -> Fix:
    """Give the user a shell that makes a session; a system's account is to have none."""
    account = host.get(target)
    name = word(account.name)
    if account.uid < FIRST_USER or account.uid == NOBODY_UID:
        line = "# choose a user for the containers: lxc-preflight fix --user NAME makes one"
        title = f"leave {account.name}, a system's account, without a shell"
        return Fix("login_shell", title, (Manual((line,), NOBODY),))
    shell = next((one for one in SHELLS if _is_there(host, one)), SHELLS[-1])
    run = Run(
        f"usermod -s {shell} {name}",
        f"getent passwd {name} | cut -d: -f7 | grep -qxF {shell}",
        f"usermod -s {word(account.shell)} {name}",
        BACKUPS,
    )
    return Fix("login_shell", f"give {account.name} the shell {shell}", (*_shadow(host), run))


def no_expiry(host: Host, day: int) -> Fix:
    """Let an account go on that has expired on a day, counted as in shadow(5)."""
    account = host.get(target)
    name = word(account.name)
    run = Run(
        f"chage -E -1 {name}",
        f"getent shadow {name} | cut -d: -f8 | grep -qx ''",
        f"chage -E {day} {name}",
        BACKUPS,
    )
    title = f"let the account {account.name} not expire"
    return Fix("account_expiry", title, (*_shadow(host), run))


def _shadow(host: Host) -> tuple[Action, ...]:
    """BusyBox has neither usermod nor chage."""
    return needed(host, "usermod")


def _is_there(host: Host, path: str) -> bool:
    try:
        return host.stat(path) is not None
    except Unknown:
        return False
