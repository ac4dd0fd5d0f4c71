"""Markdown for a comment on a pull request or a job's summary (GitHub's and GitLab's flavour).

What came from the host is text and nothing else: no markup, no HTML, no link, nobody's name is
mentioned and no issue is referred to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from audit.model import Level, Outcome
from audit.report import FindingEntry, Report, column
from audit.untrusted import visible
from reports.folding import WORDS, by_weight, consequences
from reports.next_step import next_step

SUFFIX = ".md"
VERDICTS = {
    "ready": "✅ Ready",
    "not-ready": "❌ Not ready",
    "unknown": "❔ Not known",
}
ANSWERS = {"yes": "✅ yes", "no": "❌ no", "unknown": "❔ unknown"}
MOST_UNDECIDED = 20
MAX_SHOWN = 600

# Text never stands at the beginning of a line, where more would be markup.
_MARKS = re.compile(r"[\\`*_\[\]<>~&|$]")
# What GitHub and GitLab turn into links, mentions or pictures by themselves, in text without any
# markup: an invisible comment between the two halves keeps them from it.
_LINKED = re.compile(
    r"([@#!%~&$](?=\\?\w)|:(?=//|[\w\\]+:)|www(?=\.)|GH-(?=\d))", re.ASCII | re.IGNORECASE
)


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write the page; `verbose` adds what could be stronger and what is worth knowing."""
    for line in _page(report, verbose=verbose):
        out.write(f"{line}\n")


def text(words: str) -> str:
    """Words of the host as Markdown that shows exactly them, on one line."""
    shown = _MARKS.sub(r"\\\g<0>", visible(words, MAX_SHOWN).strip() or "-")
    return _LINKED.sub(r"\1<!-- -->", shown)


def code(words: str, limit: int | None = MAX_SHOWN) -> str:
    """Words of the host as a code span, its fence longer than any run of backticks in it."""
    shown = visible(words, limit) or " "
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if (shown[0] in "` " or shown[-1] in "` ") and shown.strip(" ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(lines: Iterable[str]) -> list[str]:
    """Commands as a fenced block; the fence is longer than any run of backticks in it."""
    shown = [visible(line) for step in lines for line in step.split("\n")]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sh", *shown, fence]


def _page(report: Report, *, verbose: bool) -> Iterator[str]:
    findings = report["findings"]
    failed = [one for one in findings if column(one) == "fail"]
    user, host = report["user"], report["host"]["hostname"]
    whose = f" for {code(user['name'])}" if user else ""
    where = f" on {code(host)}" if host else ""
    yield f"## {VERDICTS.get(report['verdict'], '❔')}: LXC containers{whose}{where}"
    yield ""
    yield f"| {' | '.join(text(name.replace('_', ' ')) for name in report['stages'])} |"
    yield "|" + "---|" * len(report["stages"])
    yield (
        "| " + " | ".join(ANSWERS.get(s["verdict"], "❔") for s in report["stages"].values()) + " |"
    )
    if report["baseline"] is not None:
        base = report["baseline"]
        yield ""
        yield (
            f"Compared with the report of {code(base['generated'])}: **{len(base['worse'])}** "
            f"new or worse, {base['known']} known, {base['fixed']} fixed."
        )
    for title, level in (("What stops it", Level.BLOCKING), ("Degraded", Level.DEGRADED)):
        yield from _failures(report, title, [one for one in failed if one["level"] == level])
    yield from _undecided(findings)
    yield from _waived(findings)
    if verbose:
        titles = (("Could be stronger", Level.HARDENING), ("Worth knowing", Level.INFO))
        for title, level in titles:
            own = [one for one in failed if one["level"] == level]
            if own:
                yield from ("", f"<details><summary>{title}: {len(own)}</summary>", "")
                yield from (f"- {code(one['check'])} {text(one['message'])}" for one in own)
                yield from ("", "</details>")
    yield ""
    yield _counts(findings)
    words, commands = next_step(report)
    yield ""
    yield f"**{text(words)}**"
    yield ""
    yield from block(commands)


def _failures(report: Report, title: str, own: list[FindingEntry]) -> Iterator[str]:
    if not own:
        return
    folded = consequences(report["findings"])
    order = {name: place for place, name in enumerate(by_weight(own, folded))}
    yield ""
    yield f"### {title} ({len(own)})"
    for one in sorted(own, key=lambda finding: order[finding["check"]]):
        yield ""
        yield f"**{text(one['message'])}**"
        stages = ", ".join(text(stage.replace("_", " ")) for stage in one["stages"])
        yield f"<br>{code(one['check'])}{f', stops {stages}' if stages else ''}"
        yield ""
        for proof in one["evidence"]:
            line = "" if proof["line"] is None else f":{proof['line']}"
            seen = f": {code(proof['observed'])}" if proof["observed"] else ""
            expected = f", expected {code(proof['expected'])}" if proof["expected"] else ""
            yield f"- {code(proof['source'] + line)}{seen}{expected}"
        yield from _cure(one)
        if moot := folded.get(one["check"]):
            yield ""
            yield "Not judged, because of it: " + ", ".join(code(name) for name in moot)


def _cure(finding: FindingEntry) -> Iterator[str]:
    fix = finding["fix"]
    if fix is None:
        return
    who = f", as {code(' and '.join(fix['needs']))}" if fix["needs"] else ""
    yield ""
    yield f"To cure it{who}: {text(fix['title'])}"
    if fix["steps"]:
        yield ""
        yield from block(fix["steps"])
    if fix["then"]:
        yield f"Then {code(fix['then'])}."


def _undecided(findings: Iterable[FindingEntry]) -> Iterator[str]:
    own = [
        one
        for one in findings
        if one["outcome"] == Outcome.ERROR
        or (one["outcome"] == Outcome.UNKNOWN and one["level"] in (Level.BLOCKING, Level.DEGRADED))
    ]
    if not own:
        return
    yield ""
    yield f"### Could not be decided ({len(own)})"
    yield ""
    for one in own[:MOST_UNDECIDED]:
        crash = "crashed: " if one["outcome"] == Outcome.ERROR else ""
        yield f"- {code(one['check'])} {crash}{text(one['message'])}"
    if len(own) > MOST_UNDECIDED:
        yield f"- and {len(own) - MOST_UNDECIDED} more"


def _waived(findings: Iterable[FindingEntry]) -> Iterator[str]:
    own = [one for one in findings if column(one) == "waived"]
    if not own:
        return
    yield ""
    yield f"### Waived ({len(own)})"
    yield ""
    for one in own:
        waiver = one["waiver"]
        if waiver is not None:
            until = f", until {code(waiver['expires'])}" if waiver["expires"] else ""
            yield f"- {code(one['check'])} {text(waiver['reason'])}{until}"


def _counts(findings: Iterable[FindingEntry]) -> str:
    counts: dict[str, int] = {}
    for one in findings:
        what = column(one)
        counts[what] = counts.get(what, 0) + 1
    return " · ".join(f"{counts[key]} {word}" for key, word in WORDS.items() if key in counts)
