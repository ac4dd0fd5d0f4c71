"""How the limits of a user's sessions are raised: limits.conf(5), or what lowers them later."""

from __future__ import annotations

import re

from audit.facts import limits
from audit.facts.accounts import target
from audit.facts.login import login
from audit.facts.pam import login_service, session_rule
from audit.facts.startup import ULIMITS
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import ROOT, USER, Action, Append, Manual, Replace
from remediations.config import raw_line, rights
from remediations.quoting import word

RELOGIN = "re-login"
CONF = "/etc/security/limits.d/90-lxc-preflight.conf"
PLENTY = {"nofile": "65536", "nproc": "unlimited", "fsize": "unlimited"}


def raise_limit(host: Host, item: str) -> Fix:
    """Give the user's next login enough of `item` (nofile, nproc, fsize)."""
    name = host.get(target).name
    title = f"raise {item} for {name} in limits.conf(5)"
    line = f"{name} - {item} {PLENTY[item]}"
    try:
        by_shell = host.get(login).limits.get(item)
        if by_shell is not None:
            edits = _without_ulimit(host, by_shell[1], item)
            return Fix("ulimit", f"take ulimit out of {by_shell[1]}", edits, RELOGIN)
        if host.get(login_service) is not None and host.get(session_rule, "pam_limits") is None:
            lines = (f"# raise {item} where sessions begin: their PAM stack has no pam_limits.so",)
            return Fix("limits", title, (Manual(lines, ROOT),), RELOGIN)
        action = _in_conf(host, item, line)
    except (Unknown, NotApplicable):
        action = Append(CONF, line)
    return Fix("limits", title, (action,), RELOGIN)


def _in_conf(host: Host, item: str, line: str) -> Action:
    """A line for the user beats those for groups and for everybody; of two for the user the last
    one does.
    """
    found = host.get(limits.deciding, item)
    if found is None or _comes_first(found.file):
        return Append(CONF, line)
    lines = (host.read(found.file) or "").split("\n")
    return Replace(found.file, found.line, lines[found.line - 1], line)


def _comes_first(file: str) -> bool:
    """Whether a file is read before ours."""
    directory, _, name = file.rpartition("/")
    ours, _, own = CONF.rpartition("/")
    return directory not in limits.DIRECTORIES or (directory == ours and name < own)


def _without_ulimit(host: Host, file: str, item: str) -> tuple[Action, ...]:
    """The lines of a start-up file that set the limit and nothing else, as comments."""
    letter = next(letter for letter, (name, _) in ULIMITS.items() if name == item)
    alone = re.compile(rf"\s*ulimit\s+(-[SH]+\s+)?-[SH]*{letter}\s+[0-9]+\s*")
    who = rights(host, file)
    by_hand = Manual((f"# take `ulimit -{letter}` out:", f"${{EDITOR:-vi}} {word(file)}"), USER)
    number, edits = 0, list[Action]()
    while who in (ROOT, USER) and (line := raw_line(host, file, number + 1)) is not None:
        number += 1
        if alone.fullmatch(line):
            edits.append(Replace(file, number, line, f"# {line}", who == USER))
    return tuple(edits) or (by_hand,)
