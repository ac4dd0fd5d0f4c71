"""Recorded hosts: a healthy one, and what answers differently on others that were really broken.

tests/recorded/healthy.json is a snapshot as `collect` writes it; the files beside it hold only what
differs from it. `python -m tests.record` makes them all. Those in tests/recorded/hosts are of hosts
that were booted, and `make hosts` makes them: d12.json whole, d12-*.json as what differs from it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from audit.engine import CheckResult, judge
from audit.host import Host
from audit.registry import builtin
from audit.snapshot import Recording, parse
from audit.source import Answer, Question, Refused, Snapshot, Source

DIRECTORY = Path(__file__).parent / "recorded"
HEALTHY = "healthy"
BOOTED = "hosts"  # the directory of those that were booted


def names() -> list[str]:
    """The recorded hosts, the healthy one first."""
    found = sorted(path.stem for path in DIRECTORY.glob("*.json"))
    return sorted(found, key=lambda name: name != HEALTHY)


def host_names() -> list[str]:
    """The recordings of booted hosts."""
    return sorted(f"{BOOTED}/{path.stem}" for path in (DIRECTORY / BOOTED).glob("*.json"))


def base(name: str) -> str | None:
    """The recording that another one is written as the difference to."""
    if name.startswith(BOOTED):
        first = name.partition("-")[0]
        return None if first == name else first
    return None if name == HEALTHY else HEALTHY


@cache
def recording(name: str) -> Recording:
    """A recorded host, complete."""
    data: dict[str, Any] = json.loads((DIRECTORY / f"{name}.json").read_text())
    mine = parse(data, name)
    usual = base(name)
    if usual is None:
        return mine
    answers = {**recording(usual).source.answers, **mine.source.answers}
    return mine._replace(source=Snapshot(answers))


def write(name: str, snapshot: dict[str, Any]) -> None:
    """Write the snapshot of a host, without what its base has too."""
    usual = base(name)
    if usual is not None:
        known = recording(usual).source.answers
        snapshot["answers"] = [
            [question, answer]
            for question, answer in snapshot["answers"]
            if tuple(question) not in known or _entry(known[tuple(question)]) != answer
        ]
    lines = ",\n".join(json.dumps(one) for one in snapshot.pop("answers"))
    head = json.dumps(snapshot, indent=1).removesuffix("\n}")
    path = DIRECTORY / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head},\n "answers": [\n{lines}\n]}}\n')


def _entry(answer: Answer | Refused) -> dict[str, Answer]:
    return {"refused": str(answer)} if isinstance(answer, Refused) else {"answer": answer}


def recorded(name: str) -> Host:
    """A host that answers as the recorded one did."""
    mine = recording(name)
    return Host(mine.source, mine.request)


@cache
def judged(name: str) -> tuple[Host, dict[str, CheckResult]]:
    """Every check by itself on a recorded host, consequences too, and the host that was asked."""
    host = recorded(name)
    return host, {check.id: judge(check, host) for check in builtin().values()}


def varied(name: str, question: Question, source: Source) -> Host:
    """A recorded host whose source answers one question in another way.

    It remembers the facts that never asked that question: computing them again would change
    nothing and take minutes.
    """
    host, _ = judged(name)
    variant = Host(source, host.request)
    variant._facts = {key: fact for key, fact in host._facts.items() if question not in fact[2]}
    return variant


def changed(name: str, answers: dict[Question, Answer | Refused]) -> Host:
    """A recorded host with some answers replaced."""
    mine = recording(name)
    return Host(Snapshot({**mine.source.answers, **answers}), mine.request)
