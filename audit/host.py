"""Host: a source, whose containers it is about, a memory of facts, a trail of what was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple, cast

from audit.model import Unknown
from audit.records import NamedTuple
from audit.source import Answer, Question, Source

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Stat(NamedTuple):
    """stat(2), as far as a judge needs it. `kind` is a word: file, directory, symlink, FIFO..."""

    kind: str
    mode: int  # permission bits with setuid, setgid and sticky
    uid: int
    gid: int
    size: int
    major: int
    minor: int


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Request(NamedTuple):
    """What the audit was asked to judge."""

    user: str = "root"  # name or decimal uid; empty: nobody was named, and root asks about the host
    config: str | None = None  # -f
    container: str | None = None  # -n
    # What the container will boot when there is none to look at: plain or systemd.
    guest: str = "plain"
    # Of lxc-create; None: busybox for a plain guest, download for systemd.
    template: str | None = None


class Host:
    """What facts are computed from.

    Each fact is computed at most once; what it asked is remembered with it. Each question is asked
    once too: facts must not contradict each other because a file changed between two looks.
    """

    def __init__(self, source: Source, request: Request | None = None) -> None:
        self.source = source
        self.request = request or Request()
        self._answers: dict[Question, Answer | Unknown] = {}
        self._facts: dict[tuple[Any, ...], tuple[Any, Unknown | None, frozenset[Question]]] = {}
        self._trail: list[set[Question]] = [set()]

    def get(self, fact: Callable[[Host, *Ts], T], *args: *Ts) -> T:
        """The value of a fact; raises the Unknown it raised. The arguments must be hashable."""
        key = (fact, *args)
        if key not in self._facts:
            self._trail.append(set())
            value: T | None = None
            unknown: Unknown | None = None
            try:
                value = fact(self, *args)
            except Unknown as why:
                unknown = why
            finally:
                asked = frozenset(self._trail.pop())
            self._facts[key] = (value, unknown, asked)
        value, unknown, asked = self._facts[key]
        self._trail[-1] |= asked
        if unknown is not None:
            raise unknown.with_traceback(None)
        return cast(T, value)

    def trail(self) -> tuple[Question, ...]:
        """What was asked since the last call, sorted."""
        asked, self._trail[-1] = self._trail[-1], set()
        return tuple(sorted(asked))

    def ask(self, verb: str, *args: str) -> Answer:
        """One question of audit/verbs.py; raises Unknown when it could not be looked at."""
        question = (verb, *args)
        self._trail[-1].add(question)
        if question not in self._answers:
            try:
                self._answers[question] = self.source.ask(verb, *args)
            except Unknown as why:
                self._answers[question] = why
        answer = self._answers[question]
        if isinstance(answer, Unknown):
            raise answer.with_traceback(None)
        return answer

    def read(self, path: str) -> str | None:
        """The text of a regular file that only root can write; None when it is absent."""
        return cast("str | None", self.ask("read", path))

    def stat(self, path: str) -> Stat | None:
        answer = self.ask("stat", path)
        return None if answer is None else Stat(*cast("list[Any]", answer))

    def lstat(self, path: str) -> Stat | None:
        answer = self.ask("lstat", path)
        return None if answer is None else Stat(*cast("list[Any]", answer))

    def link(self, path: str) -> str | None:
        return cast("str | None", self.ask("link", path))

    def real(self, path: str) -> str | None:
        return cast("str | None", self.ask("real", path))

    def list(self, path: str) -> tuple[str, ...] | None:
        answer = self.ask("list", path)
        return None if answer is None else tuple(cast("list[str]", answer))

    def xattr(self, path: str, name: str) -> str | None:
        return cast("str | None", self.ask("xattr", path, name))

    def env(self, name: str) -> str | None:
        return cast("str | None", self.ask("env", name))

    def package(self, name: str) -> str | None:
        """The installed version of a distribution's package, None when it is not installed."""
        return cast("str | None", self.ask("package", name))

    def search(self, path: str, pattern: str) -> tuple[tuple[str, ...], ...] | None:
        """The groups of every match of a bytes pattern in a file, None when it is absent."""
        answer = self.ask("search", path, pattern)
        return (
            None if answer is None else tuple(tuple(row) for row in cast("list[list[str]]", answer))
        )

    def run(self, *argv: str) -> Ran:
        answer = cast("dict[str, Any]", self.ask("run", *argv))
        return Ran(answer["code"], answer["out"], answer["err"])

    def probe(self, name: str, *args: str) -> dict[str, Any]:
        """Try a real operation (audit/probes.py); raises Unknown without --probe."""
        return cast("dict[str, Any]", self.ask("probe", name, *args))
