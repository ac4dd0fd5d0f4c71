"""How a config with keys of LXC 1 and 2 becomes one of today.

lxc-update-config(1) does the same for one file, with root's rights behind symlinks, and only where
LXC is installed.
"""

from __future__ import annotations

import re

from audit.facts.config import Problem, container_config, problems
from audit.facts.legacykeys import begins_interface, is_legacy, successor
from audit.host import Host
from audit.model import Fix
from remediations.config import Change, rewrite
from remediations.distro import install

PACKAGED = "/usr/share/lxc/"
BACKEND, ROOTFS = "lxc.rootfs.backend", "lxc.rootfs"
_STORAGE = re.compile(r"[a-z]+:.*", re.DOTALL)
_INDEX = re.compile(r"lxc\.net\.([0-9]+)\..*", re.DOTALL)


def migrate(host: Host, file: str) -> Fix:
    """Rewrite every old key of one file, line by line."""
    if file.startswith(PACKAGED):
        return install(host, "lxc")
    changes = [one for one in _changes(host) if one.file == file]
    title = f"rewrite the old keys of {file}"
    return rewrite(host, title, *changes, mechanism="update_config", shared=True)


def _changes(host: Host) -> list[Change]:
    """What becomes of each old line, in the order in which LXC reads them."""
    found = [one for one in host.get(problems, "key") if is_legacy(one.key)]
    storage = next((_value(one) for one in reversed(found) if one.key == BACKEND), "dir")
    interface = first = _next_interface(host)
    begun = False
    changes: list[Change] = []
    for one in found:
        if begins_interface(one.key):
            interface = interface + 1 if begun else first
            begun = True
        new = successor(one.key, interface)
        text = "" if new is None else new + one.text[len(one.key) :]
        if one.key == ROOTFS and _value(one):
            value = _value(one)
            path = value if _STORAGE.fullmatch(value) else f"{storage or 'dir'}:{value}"
            text = f"{new} = {path}"
        changes.append(Change(one.file, one.line, one.text, text))
    return changes


def _value(one: Problem) -> str:
    return one.text.partition("=")[2].strip(" \t")


def _next_interface(host: Host) -> int:
    """The number behind those that the config has in today's notation."""
    keys = (_INDEX.fullmatch(entry.key) for entry in host.get(container_config).entries)
    return max((int(key[1]) for key in keys if key), default=-1) + 1
