"""Questions to a host and where their answers come from.

A source answers `ask(verb, *args)`. There are three kinds of answer, and collapsing two of them is
where audit tools go wrong: a value, None (*it is not there*), and Unknown (*could not look*), which
is raised. Every answer is plain JSON, so that it can be recorded and asked again elsewhere.
"""

from __future__ import annotations

from typing import Protocol

from audit.model import Unknown

Answer = None | bool | int | float | str | list["Answer"] | dict[str, "Answer"]
Question = tuple[str, ...]


class Source(Protocol):
    """Where answers come from: the running host, a tree, a snapshot, or a recorder around these."""

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
        return _answer(self.answers[question])


class Recorder:
    """Passes every question on and keeps the answer, refusals included.

    A question is passed on once: a file that changes between two looks must not make a record that
    contradicts what was judged from it.
    """

    def __init__(self, inner: Source) -> None:
        self.inner = inner
        self.kind = inner.kind
        self.answers: dict[Question, Answer | Refused] = {}

    def ask(self, verb: str, *args: str) -> Answer:
        question = (verb, *args)
        if question not in self.answers:
            try:
                self.answers[question] = self.inner.ask(verb, *args)
            except Unknown as why:
                self.answers[question] = Refused(why)
        return _answer(self.answers[question])


def _answer(recorded: Answer | Refused) -> Answer:
    if isinstance(recorded, Refused):
        raise Unknown(str(recorded))
    return recorded


def describe(question: Question) -> str:
    """A question as a person would name it: a path where it has one."""
    args = question[1:]
    return args[0] if args and args[0].startswith("/") else " ".join(question)
