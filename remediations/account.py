"""How an account for the containers is made."""

from __future__ import annotations

import re

from audit.facts.accounts import is_local_only
from audit.facts.distro import family
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import ROOT, Manual, Run
from remediations.quoting import word

# What useradd(8) takes wherever it runs; a shell can read it as it is.
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
SKELETON = "/etc/skel"
# What making an account changes. useradd(8) leaves backups, and may grant subordinate ids.
FILES = tuple(
    f"/etc/{name}{backup}"
    for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
    for backup in ("", "-")
)
HOMES = "/home"


def is_name(name: str) -> bool:
    """Whether useradd(8) takes it for the name of a new account."""
    return NAME.fullmatch(name) is not None


def create(host: Host, name: str) -> Fix:
    """Make an ordinary account with a home; for a person where a directory that cannot be reached
    now may know the name. Raises ValueError for what is no name.
    """
    if not is_name(name):
        raise ValueError(f"{name!r} is no name of an account")
    title = f"create the user {name}"
    try:
        if not host.get(is_local_only, "passwd"):
            line = f"# {name} is to come from the directory that /etc/nsswitch.conf names, or:"
            return Fix("create_user", title, (Manual((line, _useradd(host, name)), ROOT),))
    except Unknown:
        pass
    busybox = _is_busybox(host)
    make = f"adduser -D {word(name)}" if busybox else _useradd(host, name)
    undo = f"{'deluser' if busybox else 'userdel'} {word(name)} && {{ {_untouched_home(name)}; }}"
    run = Run(make, f"id -u {word(name)}", undo, FILES)
    return Fix("create_user", title, (run,))


def _useradd(host: Host, name: str) -> str:
    shell = "/bin/bash"
    try:
        shell = shell if host.stat(shell) is not None else "/bin/sh"
    except Unknown:
        shell = "/bin/sh"
    return f"useradd --create-home --shell {shell} {word(name)}"


def _is_busybox(host: Host) -> bool:
    """Whether accounts are made by BusyBox; with shadow they get subordinate ids at once."""
    try:
        return (
            host.stat("/usr/sbin/useradd") is None
            and host.stat("/usr/bin/useradd") is None
            and host.get(family) == "alpine"
        )
    except Unknown:
        return False


def _untouched_home(name: str) -> str:
    """Remove the home if it holds what it began with: what the user has made stays."""
    home = word(f"{HOMES}/{name}")
    odd = f'[ -z "$(find {home} ! -type d ! -type f)" ]'
    mail = " ".join(word(f"{place}/{name}") for place in ("/var/mail", "/var/spool/mail"))
    return (
        f"if {odd} && diff -r {SKELETON} {home} >/dev/null 2>&1; then rm -rf {home}; fi; "
        f'for box in {mail}; do [ -s "$box" ] || rm -f "$box"; done'
    )
