"""Lines about networks in a container's config."""

from __future__ import annotations

from collections.abc import Iterable

from audit.facts.config import Entry
from audit.facts.links import Address, ipv4_number, ipv4_text
from audit.facts.nics import Nic
from audit.facts.nicsetup import ipv4_interface
from audit.host import Host
from audit.model import Fix
from remediations import config
from remediations.actions import NOBODY, ROOT, USER, Manual

CONFIG = "config_line"


def setting(host: Host, nic: Nic, key: str, value: str) -> Fix:
    """Give a property of a network another value: in its line, else at the end, where it wins."""
    name = f"{nic.label}.{key}"
    return assigned(host, nic.line(key), name, value)


def assigned(host: Host, entry: Entry | None, name: str, value: str) -> Fix:
    """The same for any key of one value."""
    text, title = f"{name} = {value}", f"set {name} to {value}" if value else f"clear {name}"
    if entry is None or config.editor(host, entry.file) == NOBODY:
        return Fix(CONFIG, title, config.append(host, text))
    return config.rewrite(host, title, _change(entry, text))


def dropped(host: Host, entries: Iterable[Entry]) -> Fix:
    """Make comments of lines that the kernel cannot do what they say for."""
    found = tuple(entries)
    title = "take out " + " and ".join(entry.text for entry in found)
    return config.rewrite(host, title, *(_change(entry) for entry in found))


def onto(host: Host, nic: Nic, entry: Entry, ours: Address) -> Fix:
    """An address on the network of the bridge, `ours`, and the bridge for a gateway."""
    title = f"put {nic.label} on the network of its bridge"
    theirs = ipv4_interface(entry.value)
    changes = []
    if theirs is not None and (theirs.address == ours.address or not ours.holds(theirs.address)):
        new = f"{ipv4_text(_beside(theirs.address, ours))}/{ours.mask.bit_count()}"
        changes.append(_change(entry, f"{entry.key} = {new}"))
    gateway, line = ipv4_number(nic.gateway4), nic.line("ipv4.gateway")
    if gateway is not None and line is not None and not ours.holds(gateway):
        changes.append(_change(line, f"{line.key} = {ipv4_text(ours.address)}"))
    return config.rewrite(host, title, *changes)


def _beside(address: int, ours: Address) -> int:
    """The same host on another network; the next one where that is the bridge or no host."""
    size = ~ours.mask & 0xFFFFFFFF
    for step in range(size + 1):
        found = ours.network | ((address + step) & size)
        if found not in (ours.address, ours.network, ours.network | size):
            return found
    return address


def _change(entry: Entry, new: str = "") -> config.Change:
    return config.Change(entry.file, entry.line, entry.text, new)


def own_namespace(host: Host, entry: Entry) -> Fix | None:
    """Give the container a network namespace of its own; `entry` keeps it from that."""
    words = entry.value.split()
    if entry.key == "lxc.namespace.keep":
        kept = " ".join(one for one in words if one != "net")
        title = "do not keep the host's network namespace"
        new = f"{entry.key} = {kept}" if kept else ""
        return config.rewrite(host, title, _change(entry, new))
    if entry.key == "lxc.namespace.clone":
        new = f"{entry.key} = {' '.join([*words, 'net'])}"
        return config.rewrite(host, "make a network namespace, too", _change(entry, new))
    return assigned(host, entry, entry.key, "empty") if entry.key.endswith(".type") else None


def another_bridge(nics: Iterable[Nic], full: str) -> Fix:
    """A bridge has a fixed number of ports."""
    lines = tuple(f"# give {nic.label}.link another bridge than {full}" for nic in nics)
    return Fix("bridge", f"use another bridge than {full}", (Manual(lines, USER),))


def own_sysfs() -> Fix:
    """Mount /sys in this network namespace. What is mounted below it would be hidden."""
    lines = (
        "mount -t sysfs sysfs /sys",
        "mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 /sys/fs/cgroup",
    )
    title = "mount the sysfs of this namespace"
    return Fix("sysfs", title, (Manual(lines, ROOT),))
