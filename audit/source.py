"""Questions to a host and where their answers come from.

A source answers `ask(verb, *args)`. There are three kinds of answer, and collapsing two of them is where audit
tools go wrong: a value, None (*it is not there*), and Unknown (*could not look*), which is raised.
Every answer is plain JSON, so that it can be recorded and asked again elsewhere.
"""

from __future__ import annotations

from typing import Protocol

from audit.model import Unknown

Answer = None | bool | int | float | str | list["Answer"] | dict[str, "Answer"]
Question = tuple[str, ...]


class Source(Protocol):
    """Where answers come from: the running host, a directory tree, a snapshot, or a recorder around one of these."""

    kind: str  # "live", "root" or "snapshot"

    def ask(self, verb: str, *args: str) -> Answer:
        """The answer to one question; raises Unknown when it could not be looked at."""
        ...


class Refused(str):
    """Recorded, and what was recorded is that we could not look: the reason."""


class Snapshot:
    """A recorded host."""

    kind = "snapshot"

    def __init__(self, answers: dict[Question, Answer | Refused]) -> None:
        self.answers = answers

    def ask(self, verb: str, *args: str) -> Answer:
        question = (verb, *args)
        if question not in self.answers:
            raise Unknown(f"{describe(question)} was not recorded in this snapshot")
        answer = self.answers[question]
        if isinstance(answer, Refused):
            raise Unknown(str(answer))
        return answer


class Recorder:
    """Passes every question on and keeps the answer, refusals included."""

    def __init__(self, inner: Source) -> None:
        self.inner = inner
        self.kind = inner.kind
        self.answers: dict[Question, Answer | Refused] = {}

    def ask(self, verb: str, *args: str) -> Answer:
        try:
            answer = self.inner.ask(verb, *args)
        except Unknown as why:
            self.answers[(verb, *args)] = Refused(why)
            raise
        self.answers[(verb, *args)] = answer
        return answer


def describe(question: Question) -> str:
    """A question as a person would name it: a path where it has one."""
    verb, *args = question
    return args[0] if args and args[0].startswith("/") else " ".join(question)
