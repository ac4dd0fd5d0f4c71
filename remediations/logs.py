"""Where a container's logs go when they cannot go where its config says."""

from __future__ import annotations

import posixpath

from audit.facts.accounts import target
from audit.facts.config import Entry
from audit.facts.outputs import unwritable
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import Directory
from remediations.config import leave_out, put, rights

STATE = ".local/state/lxc"  # XDG Base Directory Specification: XDG_STATE_HOME


def log_elsewhere(host: Host, entry: Entry) -> Fix:
    """A file of the same name in the user's state directory; no log where there is no room."""
    try:
        directory = f"{host.get(target).home}/{STATE}"
        path = f"{directory}/{posixpath.basename(entry.value) or 'log'}"
        fits = rights(host, path) == "user" and not unwritable(host, path, makes_directories=True)
    except (Unknown, NotApplicable):
        fits = False
    if not fits:
        return leave_out(host, entry)
    fix = put(host, entry, path, f"log to {path}")
    return fix._replace(actions=(Directory(directory, 0o700, theirs=True), *fix.actions))
