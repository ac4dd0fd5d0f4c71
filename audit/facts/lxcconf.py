"""~/.config/lxc/lxc.conf: where LXC keeps a user's containers and which config new ones get.

Source: LXC src/lxc/initutils.c, lxc_global_config_value().
"""

from __future__ import annotations

from audit.facts.session import home_dir
from audit.facts.userfiles import Denied, user_read
from audit.host import Host


def lxcconf_path(host: Host) -> str:
    """The user's lxc.conf(5). The system-wide /etc/lxc/lxc.conf is read for root only."""
    return f"{host.get(home_dir)}/.config/lxc/lxc.conf"


def lxcconf_text(host: Host) -> str:
    """The text of lxc.conf; empty when it is missing or unreadable: LXC then takes its defaults."""
    text = host.get(user_read, host.get(lxcconf_path))
    return "" if text is None or isinstance(text, Denied) else text


def lxcpath(host: Host) -> str:
    """The directory of the user's containers: `lxc.lxcpath`, else ~/.local/share/lxc.

    Without a slash at its end, and empty when lxc.conf sets it to nothing.
    """
    value = global_value(host.get(lxcconf_text), "lxc.lxcpath")
    if value is None:
        value = f"{host.get(home_dir)}/.local/share/lxc/"
    return value.rstrip("/\n")


def default_config_path(host: Host) -> str:
    """The config that lxc-create takes without -f: `lxc.default_config`, else default.conf."""
    value = global_value(host.get(lxcconf_text), "lxc.default_config")
    return f"{host.get(home_dir)}/.config/lxc/default.conf" if value is None else value


def global_value(text: str, option: str) -> str | None:
    """The first value of an option as lxc_global_config_value() finds it; None when it is not set.

    Only one newline is cut off: trailing blanks and a carriage return belong to the value.
    """
    found = global_line(text, option)
    return None if found is None else found[1]


def global_line(text: str, option: str) -> tuple[int, str] | None:
    """The number of the line that sets an option, and the value; None when none does."""
    lines = text.split("\n")
    for place, whole in enumerate(lines):
        line = whole.partition("\0")[0]
        before, found, rest = line.partition(option)
        if line.startswith("#") or not found or before.strip(" \t"):
            continue
        between, equals, value = rest.partition("=")
        if not equals or between.strip(" \t"):
            continue
        value = value.lstrip(" \t")
        # "lxc.lxcpath =" sets nothing at the end of the file, and an empty path in its middle.
        if value or (place < len(lines) - 1 and "\0" not in whole):
            return place + 1, value
    return None
