"""How a setting of login.defs(5) is changed."""

from __future__ import annotations

from audit.facts.subids import login_defs_file
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.distro import line_of


def setting(host: Host, name: str, value: str) -> Fix:
    """Set it; of several lines the last one counts (shadow lib/getdef.c)."""
    try:
        path = host.get(login_defs_file)
    except Unknown:
        path = "/etc/login.defs"
    # getdef_str() compares names without regard to case
    edit = line_of(host, path, rf"(?i:{name})\s", f"{name} {value}")
    return Fix("login_defs", f"set {name} to {value}", (edit,))
