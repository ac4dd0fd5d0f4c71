"""A lab host (tests/checks/cgroup/lab.py) as a tree: its files lie in a directory where a script
can work on them, and /proc, /sys and /run stay what the lab says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audit.host import Host, Request
from audit.source import Answer, Question, Refused
from audit.tree import VOLATILE
from audit.tree import Tree as TreeSource
from tests.checks.cgroup.lab import LIBRARY, UID, Lab
from tests.remediations.law4 import Entry, Tree

HOME = "/home/lxc"


class Both:
    """The lab for what a directory tree cannot say; it is a running host."""

    kind = "live"

    def __init__(self, tree: TreeSource, lab: Lab) -> None:
        self.tree, self.lab = tree, lab

    def ask(self, verb: str, *args: str) -> Answer:
        if verb in ("self", "env", "uname", "run", "address", "expiry", "statvfs"):
            return self.lab.ask(verb, *args)
        if args and (args[0] == LIBRARY or is_volatile(args[0])):
            return self.lab.ask(verb, *args)
        if verb == "real":  # of what is masked
            target = self.tree.ask("link", args[0])
            if isinstance(target, str) and is_volatile(target):
                return target
        return self.tree.ask(verb, *args)


class Running(Tree):
    """The tree of a lab host."""

    def __init__(self, place: Path, lab: Lab, modes: Mapping[str, int] | None = None) -> None:
        self.lab, self.modes = lab, modes or {}
        entries: dict[str, str | Entry] = {}
        for path in sorted(lab.directories):
            if path != "/" and not is_volatile(path):
                entries[f"{path}/"] = Entry("", 0o755, owner(path), owner(path))
        for path, text in lab.files.items():
            if not is_volatile(path):
                link = lab.links.get(path, "")
                mode = self.modes.get(path, 0o644)
                text = "" if link else text
                entries[path] = Entry(text, mode, owner(path), owner(path), link)
        super().__init__(place, entries)

    def host(
        self,
        answers: Mapping[Question, Answer | Refused] | None = None,
        request: Request | None = None,
    ) -> Host:
        return Host(Both(TreeSource(str(self.place)), self.lab), request or Request("lxc"))

    def read(self, path: str) -> str | None:
        at = self.place / path.strip("/")
        return at.read_text() if at.exists() else None


def is_volatile(path: str) -> bool:
    return path.startswith("/") and path.split("/")[1] in VOLATILE


def owner(path: str) -> int:
    return UID if path == HOME or path.startswith(f"{HOME}/") else 0
