"""Prediction against reality: one row per case, way of asking, container and stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.truth.case import Case
from tests.truth.peers import Answer

STAGES = ("create", "start", "bare_start", "network", "limits")
WAYS = ("root", "snapshot", "user", "probe")
CAUSE, ALL, RESTORED = "first cause", "all", "restored"
CONTAINERS = ("new", "base", "deb")
BAD = ("wrong", "crashed")

Result = dict[str, Any]


class Row(NamedTuple):
    """One prediction and what became of it.

    `way` is one of WAYS, or the name of a peer. `stage` is a stage, or CAUSE (is what stops it
    named, and nothing else), ALL (are create, start and network all well: what a peer predicts),
    RESTORED. `verdict`: right, wrong, unknown, or crashed (no report).
    """

    case: str
    way: str
    container: str
    stage: str
    predicted: str
    reality: str
    verdict: str
    because: str = ""
    error: str = ""


def rows(case: Case, result: Result) -> list[Row]:
    """The rows of one case's result."""
    if "crashed" in result:
        return [Row(case.name, "", "", "", "", "", "crashed", "", result["crashed"][-300:])]
    found: list[Row] = []
    for container, reports in result["reports"].items():
        for way, report in reports.items():
            if way == "user" and result["locked_out"]:
                continue  # who cannot log in cannot ask
            found += _of_report(case, way, container, report, result["reality"][container])
    found += _of_peers(case, result)
    restored = result.get("restored")
    if restored is not None and restored.get("verdict") != "ready":
        said = str(restored.get("verdict", restored))
        because = ",".join(restored.get("causes", ()))
        found.append(Row(case.name, "root", "", RESTORED, said, "ready", "wrong", because))
    return found


def real_stages(reality: Result) -> dict[str, tuple[bool, str]]:
    """Stage by stage: does it work, and LXC's error. What was not tried is not there."""
    found = {stage: (one["works"], one["error"]) for stage, one in reality.items()}
    return {stage: found[stage] for stage in STAGES if stage in found}


def _of_report(case: Case, way: str, container: str, report: Result, reality: Result) -> list[Row]:
    real = real_stages(reality)
    head = (case.name, way, container)
    if "refused" in report:  # "there is no such container": LXC has to refuse as well
        return [
            Row(*head, stage, "refused", _yes(works), "wrong" if works else "right", error=error)
            for stage, (works, error) in real.items()
        ]
    if "stages" not in report:
        return [Row(*head, "", "", "", "crashed", "", report["failed"][-300:])]
    found = [_prediction(head, stage, report, *outcome) for stage, outcome in real.items()]
    asked = [stage for stage in ("create", "start", "network") if stage in real]
    said = {report["stages"][stage]["verdict"] for stage in asked}
    predicted = "no" if "no" in said else "unknown" if "unknown" in said else "yes"
    works = all(real[stage][0] for stage in asked)
    found.append(Row(*head, ALL, predicted, _yes(works), _verdict(predicted, works)))
    if not all(works for works, _ in real.values()):
        found.append(_cause(head, case, report))
    return found


def _prediction(
    head: tuple[str, str, str], stage: str, report: Result, works: bool, error: str
) -> Row:
    said = report["stages"][stage]
    predicted = said["verdict"]
    because = "" if predicted == "yes" else ",".join(said["because"][:6])
    return Row(*head, stage, predicted, _yes(works), _verdict(predicted, works), because, error)


def _cause(head: tuple[str, str, str], case: Case, report: Result) -> Row:
    """Is the first cause a true one, and is nothing called a cause that is none. For a new
    container, which every part of a combined case breaks: is every part named."""
    named = report["causes"]
    if not named:
        undecided = [one["check"] for one in report["findings"] if one["outcome"] == "unknown"]
        true = " ".join(case.cause)
        return Row(*head, CAUSE, "none", true, "unknown" if undecided else "wrong", error=true)
    strangers = [name for name in named if name not in case.cause]
    parts = (case.parts or (case.cause,)) if head[2] == "new" else ()
    missing = ["|".join(part) for part in parts if not set(part) & set(named)]
    error = "; ".join(
        words
        for words in (
            f"no true cause: {' '.join(strangers)}" if strangers else "",
            f"not named: {' '.join(missing)}" if missing else "",
        )
        if words
    )
    verdict = "wrong" if error else "right"
    return Row(*head, CAUSE, named[0], " ".join(case.cause), verdict, ",".join(named), error)


def _of_peers(case: Case, result: Result) -> Iterable[Row]:
    """What the others predict for the container that somebody would make now."""
    container = next(iter(result["reality"]))
    real = real_stages(result["reality"][container])
    works = all(real[stage][0] for stage in ("create", "start", "network") if stage in real)
    for peer, said in result["peers"].items():
        answer = Answer(said["works"], tuple(said["words"]))
        predicted = _yes(answer.works)
        verdict = "right" if answer.works is works else "wrong"
        head = (case.name, peer, container)
        because = "; ".join(answer.words[:3])
        yield Row(*head, ALL, predicted, _yes(works), verdict, because)
        if not works:
            named = answer.names(case.cause)
            verdict = "right" if named else "wrong"
            true = " ".join(case.cause)
            yield Row(*head, CAUSE, "named" if named else "none", true, verdict, because)


def _yes(works: bool) -> str:
    return "yes" if works else "no"


def _verdict(predicted: str, works: bool) -> str:
    if predicted == "unknown":
        return "unknown"
    return "right" if predicted == _yes(works) else "wrong"


def surprise(case: Case, result: Result) -> str:
    """How reality differs from what the case is for: what has a cause breaks, and nothing else."""
    if "crashed" in result or case.chance:
        return ""
    failed = [
        f"{stage}/{container}: {error}"
        for container, reality in result["reality"].items()
        for stage, (works, error) in real_stages(reality).items()
        if not works and stage != "bare_start"
    ]
    if failed and not case.cause:
        return f"the case is meant to work, and does not: {failed[0]}"
    if case.cause and not failed:
        return "the case is meant to break something, and everything works"
    return ""


def line(row: Row) -> str:
    """A row for eyes, of a prediction that was not right."""
    where = f"{row.way}/{row.container}"
    return (
        f"{row.verdict:8} {row.case:30} {where:13} {row.stage:11} said {row.predicted:8}"
        f" is {row.reality:4} {row.because}  {row.error}"
    )


SIGNS = {"yes": "+", "no": "-", "unknown": "?", "refused": "-", "": "."}


class Summary(NamedTuple):
    """One case and container in one line: a sign per stage, reality and prediction.

    Signs: + works, - does not, ? unknown, . not tried. The prediction is that of all ways, or
    * where they differ.
    """

    case: str
    container: str
    reality: str
    predicted: str
    cause: str
    cause_verdict: str
    verdict: str
    error: str

    def __str__(self) -> str:
        return (
            f"{self.verdict:8} {self.case:36.36} {self.container:5} {self.reality:5}"
            f"  {self.predicted:5}  {self.cause_verdict:6} {self.cause}"
        )


HEADING = (
    f"{'':8} {'case':36} {'':5} real   said   {'cause':6} first cause named\n"
    f"{'':8} {'':36} {'':5} csbnl  csbnl  (create start bare_start network limits)"
)


def summaries(every: list[Row]) -> list[Summary]:
    """One line per case and container, of our own ways."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in every:
        if row.way in WAYS and row.container:
            groups.setdefault((row.case, row.container), []).append(row)
    return [_summary(*key, own) for key, own in groups.items()]


def _summary(case: str, container: str, own: list[Row]) -> Summary:
    reality = predicted = ""
    for stage in STAGES:
        here = [row for row in own if row.stage == stage]
        said = {SIGNS[row.predicted] for row in here}
        reality += SIGNS[here[0].reality] if here else "."
        predicted += said.pop() if len(said) == 1 else "*" if said else "."
    causes = [row for row in own if row.stage == CAUSE]
    verdicts = [row.verdict for row in own]
    error = next((row.error for row in own if row.stage in STAGES and row.error), "")
    return Summary(
        case,
        container,
        reality,
        predicted,
        " / ".join(dict.fromkeys(row.predicted for row in causes)),
        _worst(row.verdict for row in causes),
        _worst(verdicts),
        error,
    )


def _worst(verdicts: Iterable[str]) -> str:
    there = set(verdicts)
    return next((one for one in ("crashed", "wrong", "unknown", "right") if one in there), "")


class Total(NamedTuple):
    """Counts of one way and stage. A false alarm is no where reality is yes, a miss the reverse."""

    way: str
    stage: str
    right: int
    wrong: int
    unknown: int
    false_alarms: int
    misses: int


def totals(every: list[Row]) -> list[Total]:
    """Per way of asking and stage, then the peers."""
    found: list[Total] = []
    stages = (*STAGES, ALL, CAUSE)
    ways = [*WAYS, *dict.fromkeys(row.way for row in every if row.way not in ("", *WAYS))]
    for way in ways:
        for stage in stages:
            here = [row for row in every if row.way == way and row.stage == stage]
            if not here:
                continue
            count = Counter(row.verdict for row in here)
            wrong = [row for row in here if row.verdict == "wrong" and stage != CAUSE]
            alarms = sum(row.reality == "yes" for row in wrong)
            found.append(
                Total(
                    way,
                    stage,
                    count["right"],
                    count["wrong"],
                    count["unknown"],
                    alarms,
                    len(wrong) - alarms,
                )
            )
    return found


def text_of(found: list[Total]) -> str:
    """The totals for eyes."""
    lines = [
        f"{'asked':12} {'stage':12} {'right':>6} {'wrong':>6} {'unknown':>8}"
        f" {'false alarms':>13} {'misses':>7}"
    ]
    lines += [
        f"{t.way:12} {t.stage:12} {t.right:6} {t.wrong:6} {t.unknown:8}"
        f" {t.false_alarms:13} {t.misses:7}"
        for t in found
    ]
    return "\n".join(lines)
