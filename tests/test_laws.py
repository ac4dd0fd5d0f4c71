"""What holds for every check, present and future, on every recorded host.

1. No evidence, no pass. 2. Blinding: what cannot be looked at may make an answer unknown, never
another answer. 3. A record judges as the host did, also redacted and written to a file.
"""

from __future__ import annotations

import json

import pytest

from audit.engine import CheckResult, in_order, judge, run
from audit.host import Host, Request
from audit.model import Outcome, Unknown
from audit.redaction import redact
from audit.registry import builtin
from audit.snapshot import document, parse
from audit.source import Answer, Question, Recorder, Snapshot, describe
from audit.verdict import predict
from tests.recordings import judged, names, recording, varied

EVERY = builtin()
IN_ORDER = tuple(in_order(EVERY))
HOSTS = pytest.mark.parametrize("name", names())
SILENT = {Outcome.UNKNOWN, Outcome.NOT_APPLICABLE}


class Blind:
    """A source that answers as another does, but for one question."""

    def __init__(self, inner: Snapshot, denied: Question) -> None:
        self.inner, self.denied, self.kind = inner, denied, inner.kind

    def ask(self, verb: str, *args: str) -> Answer:
        if (verb, *args) == self.denied:
            raise Unknown(f"{describe(self.denied)} is denied")
        return self.inner.ask(verb, *args)


def outcomes(result: CheckResult) -> set[Outcome]:
    return {finding.outcome for finding in result.findings}


def stages(result: CheckResult) -> dict[str, str]:
    """What one check by itself predicts per stage; nothing where it says nothing."""
    return {stage: p.verdict for stage, p in predict([result]).items() if p.because}


def broken(before: CheckResult, after: CheckResult) -> str | None:
    """Why the blinded answer is not allowed, None when it is."""
    was, now = outcomes(before), outcomes(after)
    if Outcome.ERROR in now:
        return f"crashes: {after.findings[-1].message}"
    if strange := now - was - {Outcome.UNKNOWN}:
        return f"{show(was)} becomes {show(now)}: {sorted(strange)} out of nowhere"
    if was - now and Outcome.UNKNOWN not in now:
        return f"{show(was)} becomes {show(now)} without anything unknown"
    for stage, verdict in stages(after).items():
        if verdict == "no" and stages(before).get(stage) != "no":
            return f"stage {stage} becomes no"
    for stage, verdict in stages(before).items():
        if verdict == "no" and stages(after).get(stage, "nothing") not in ("no", "unknown"):
            return f"stage {stage} is no longer no"
    return None


def show(found: set[Outcome]) -> str:
    return "+".join(sorted(found))


def test_without_evidence_nothing_passes_and_nothing_fails() -> None:
    for request in (Request(user="alice"), Request(user="1000", container="c1", guest="systemd")):
        host = Host(Snapshot({}), request)
        wrong = {
            check.id: show(found)
            for check in IN_ORDER
            if not (found := outcomes(judge(check, host))) <= SILENT
        }
        assert not wrong


@HOSTS
def test_no_check_crashes_on_a_real_host(name: str) -> None:
    _, results = judged(name)
    wrong = {
        one.check.id: one.findings[-1].message
        for one in results.values()
        if Outcome.ERROR in outcomes(one)
    }
    assert not wrong


@HOSTS
def test_what_cannot_be_looked_at_never_changes_an_answer_into_another(name: str) -> None:
    _, results = judged(name)
    asked: dict[Question, list[CheckResult]] = {}
    for result in results.values():
        for question in result.read:
            asked.setdefault(question, []).append(result)
    wrong = []
    for question, readers in sorted(asked.items()):
        host = varied(name, question, Blind(recording(name).source, question))
        for before in readers:
            why = broken(before, judge(before.check, host))
            if why:
                wrong.append(f"{before.check.id} without {question[0]} {describe(question)}: {why}")
    assert not wrong, "\n".join(wrong)


@HOSTS
def test_a_record_judges_as_the_host_did(name: str) -> None:
    recorder = Recorder(recording(name).source)
    request = recording(name).request
    before = run(EVERY, Host(recorder, request))
    redacted = redact(recorder.answers)
    written = json.dumps(
        document(redacted, request, source="live", recorded="2026-01-01T00:00:00Z", version="0")
    )
    again = parse(json.loads(written), name)
    assert again.request == request
    for answers in (recorder.answers, redacted, again.source.answers):
        assert run(EVERY, Host(Snapshot(dict(answers)), request)) == before
    assert redact(redacted) == redacted


def test_the_law_would_notice() -> None:
    _, results = judged(names()[0])
    some = next(one for one in results.values() if outcomes(one) == {Outcome.PASS})
    other = {
        outcome: some._replace(findings=(some.findings[0]._replace(outcome=outcome),))
        for outcome in Outcome
    }
    assert broken(some, some) is None
    assert broken(some, other[Outcome.UNKNOWN]) is None
    for outcome in (Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.ERROR):
        assert broken(some, other[outcome])
        if outcome is not Outcome.ERROR:
            assert broken(other[outcome], some)
