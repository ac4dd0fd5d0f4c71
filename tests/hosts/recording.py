"""Recordings of the booted hosts: what is kept of their snapshots in tests/recorded/hosts."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from audit.engine import run
from audit.host import Host
from audit.registry import builtin
from audit.snapshot import Recording, document, parse
from audit.source import Answer, Question, Refused
from audit.verdict import predict
from tests.files import ROOT
from tests.record import RECORDED
from tests.recordings import BOOTED, write

KERNEL_CONFIG = re.compile(r"/config[^/]*$")


def keep(name: str, snapshot: str) -> None:
    """Write the snapshot of a variant.

    Raises RuntimeError when what is left out would be judged otherwise.
    """
    mine = parse(json.loads(snapshot), name)
    answers = {question: cut(question, answer) for question, answer in mine.source.answers.items()}
    small = document(answers, mine.request, source=mine.source.kind, recorded=RECORDED, version="0")
    if said(parse(small, name)) != said(mine):
        raise RuntimeError(f"{name}: a check asks for what was left out of the recording")
    write(f"{BOOTED}/{name}", small)


def said(recording: Recording) -> dict[str, Any]:
    """Every check's outcomes, and the predictions."""
    results = run(builtin(), Host(recording.source, recording.request))
    outcomes = {one.check.id: [f.outcome for f in one.findings] for one in results}
    return {"outcomes": outcomes, "stages": predict(results)}


def cut(question: Question, answer: Answer | Refused) -> Answer | Refused:
    """A kernel config without the options whose names stand nowhere in the audit and its checks."""
    if (
        not isinstance(answer, str)
        or question[0] != "read"
        or not KERNEL_CONFIG.search(question[1])
    ):
        return answer
    lines = answer.splitlines(keepends=True)
    return "".join(line for line in lines if not _option(line) or _option(line) in asked_for())


def _option(line: str) -> str:
    found = re.match(r"(?:# )?CONFIG_(\w+)[= ]", line)
    return found[1] if found else ""


@cache
def asked_for() -> frozenset[str]:
    """Every word in capitals in the audit's source."""
    files = [path for name in ("audit", "checks") for path in (ROOT / name).rglob("*.py")]
    return frozenset(re.findall(r"\b[A-Z][A-Z0-9_]+\b", "".join(f.read_text() for f in files)))
