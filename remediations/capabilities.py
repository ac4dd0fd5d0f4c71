"""How lxc.cap.keep and lxc.cap.drop, which exclude each other, become one of them: never a looser
list than the two together.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.facts.config import Problem, container_config
from audit.facts.configvalues import CAPABILITIES
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import USER, Manual
from remediations.config import Change, by_hand, rewrite

LAST = "/proc/sys/kernel/cap_last_cap"


def only_keep(host: Host, refused: Problem | None = None) -> Fix:
    """Leave lxc.cap.drop out where it takes nothing off what is kept. `refused` is the line of the
    two at which LXC gives up.
    """
    config = host.get(container_config)
    lines = [
        Change(entry.file, entry.line, entry.text)
        for entry in config.live
        if entry.key in ("lxc.cap.keep", "lxc.cap.drop")
    ]
    if refused is not None:
        lines.append(Change(refused.file, refused.line, refused.text))
    kept = _words(one for one in lines if one.text.startswith("lxc.cap.keep"))
    drops = [one for one in lines if one.text.startswith("lxc.cap.drop")]
    title = "leave lxc.cap.drop out: what is not kept is dropped"
    if kept & _words(drops) or not kept:
        return Fix("capabilities", title, (by_hand(host, drops),))
    return rewrite(host, title, *drops, mechanism="capabilities")


def drop_the_rest(host: Host) -> Fix:
    """Drop what is not kept, in place of keeping: the busybox template adds what it drops."""
    title = "drop what is not kept, in place of lxc.cap.keep"
    keeps = host.get(container_config).all("lxc.cap.keep")
    changes = [Change(entry.file, entry.line, entry.text) for entry in keeps]
    every = _of_the_kernel(host)
    kept = _words(changes)
    if not every or not changes or not kept <= {*every, "none"}:
        line = "# in place of lxc.cap.keep: lxc.cap.drop = all others, see capsh --print"
        return Fix("capabilities", title, (Manual((line,), USER),))
    rest = " ".join(name for name in every if name not in kept)
    first, *others = changes
    new = f"lxc.cap.drop = {rest}"
    return rewrite(host, title, first._replace(new=new), *others, mechanism="capabilities")


def _of_the_kernel(host: Host) -> tuple[str, ...]:
    """The capabilities that the running kernel has, by number where LXC has no name; none where it
    does not tell: one that it has not got cannot be dropped.
    """
    try:
        text = (host.read(LAST) or "").strip()
    except Unknown:
        return ()
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        return ()
    count = int(text) + 1
    numbers = (str(number) for number in range(len(CAPABILITIES), count))
    return (*CAPABILITIES[:count], *numbers)


def _words(lines: Iterable[Change]) -> set[str]:
    return {word for one in lines for word in one.text.partition("=")[2].split()}
