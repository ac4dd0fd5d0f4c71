"""How a directory gets on the PATH of a user's logins, and variables into them."""

from __future__ import annotations

from audit.facts import login
from audit.facts.accounts import target
from audit.facts.session import is_mine
from audit.facts.userfiles import Denied, user_read
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import NOBODY, USER, Append, Manual
from remediations.config import rights
from remediations.quoting import word

# shell -> the user's own start-up files of which a login reads the first that is there
STARTS = {
    "bash": (".bash_profile", ".bash_login", ".profile"),
    "zsh": (".zprofile",),
    **dict.fromkeys(login.POSIX_SHELLS, (".profile",)),
}


def add_to_path(host: Host, directory: str) -> Fix:
    """Put a directory at the end of the PATH that the user's start-up file leaves behind."""
    title = f"put {directory} on the PATH"
    line = f'export PATH="$PATH:{directory}"'
    try:
        # This session alone may be odd.
        odd = host.get(is_mine) and directory in host.get(login.environment)["PATH"].split(":")
    except (Unknown, NotApplicable, KeyError):
        odd = True
    return _at_login(host, "path", title, line, this_session=odd)


def export(host: Host, name: str, value: str) -> Fix:
    """Set a variable for the user's logins."""
    line = f"export {name}={word(value)}"
    return _at_login(host, "variable", f"set {name}={value}", line)


def _at_login(
    host: Host, mechanism: str, title: str, line: str, *, this_session: bool = False
) -> Fix:
    """A line at the end of the user's start-up file, or for the user to type."""
    by_hand = Fix(mechanism, title, (Manual((line,), NOBODY),), "re-login")
    if this_session:
        return by_hand
    try:
        path = _start_file(host)
    except (Unknown, NotApplicable):
        return by_hand
    if path is None or rights(host, path) != USER:
        return by_hand
    return Fix(mechanism, title, (Append(path, line, theirs=True),), "re-login")


def _start_file(host: Host) -> str | None:
    """The start-up file to write to, None for a shell that is not known."""
    account = host.get(target)
    names = STARTS.get((account.shell or "/bin/sh").rpartition("/")[2])
    if names is None:
        return None
    for name in names:
        text = host.get(user_read, f"{account.home}/{name}")
        if isinstance(text, Denied):
            return None
        if text is not None:
            return f"{account.home}/{name}"
    return f"{account.home}/{names[-1]}"
