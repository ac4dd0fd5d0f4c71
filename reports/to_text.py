"""The report for a person: the verdict, the causes with their proof and cure, the rest folded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from audit.model import Level, Outcome
from audit.report import FindingEntry, Report, column
from reports import next_step
from reports.folding import by_weight, consequences

if TYPE_CHECKING:
    from reports.terminal import Page

SUFFIX = ""

VERDICTS = {
    "ready": ("READY", "pass"),
    "not-ready": ("NOT READY", "fail"),
    "unknown": ("UNKNOWN", "unknown"),
}
ANSWERS = {"yes": "pass", "no": "fail", "unknown": "unknown"}
THEN = {"re-login": "then log out of every session and in again", "reboot": "then reboot"}
# Of one check, and of undecided reasons; -v shows all.
MOST_FINDINGS, MOST_REASONS, MOST_IDS = 5, 10, 8


def render(report: Report, out: TextIO, *, verbose: bool = False) -> None:
    """Write the page; `verbose` lists every check at the end."""
    from reports.terminal import Page

    page = Page(out)
    findings = report["findings"]
    failed = [one for one in findings if column(one) == "fail"]
    _head(page, report)
    _baseline(page, report)
    _section(page, report, "what stops it", "fail", _at(failed, Level.BLOCKING), verbose=verbose)
    _section(page, report, "degraded", "warn", _at(failed, Level.DEGRADED), verbose=verbose)
    _undecided(page, findings, _owner(report), verbose=verbose)
    _waived(page, findings)
    if verbose:
        for level in (Level.HARDENING, Level.INFO):
            _section(page, report, level.value, "warn", _at(failed, level), verbose=True)
        _everything(page, findings)
    _rest(page, findings, verbose=verbose)
    page.blank()
    next_step.render(page, report)


def _at(findings: Iterable[FindingEntry], level: Level) -> list[FindingEntry]:
    return [one for one in findings if one["level"] == level]


def _head(page: Page, report: Report) -> None:
    host, user = report["host"], report["user"]
    words, style = VERDICTS.get(report["verdict"], (report["verdict"], ""))
    whose = f" for {user['name']}" if user else ""
    where = f" on {host['hostname']}" if host["hostname"] else ""
    page.line((words, style), (f": unprivileged LXC containers{whose}{where}", "bold"), hang=2)
    separator = f" {page.sign('separator')} "
    parts: list[str | tuple[str, str]] = []
    for stage, prediction in report["stages"].items():
        answer = prediction["verdict"]
        parts += [separator if parts else "", f"{stage} ", (answer, ANSWERS.get(answer, ""))]
    page.line(*parts, indent=2, hang=2)
    page.line((separator.join(_host_words(report)), "dim"), indent=2, hang=2)
    if user:
        page.line((separator.join(_subject_words(report)), "dim"), indent=2, hang=2)


def _baseline(page: Page, report: Report) -> None:
    baseline = report["baseline"]
    if baseline is None:
        return
    worse = list(dict.fromkeys(one[0] for one in baseline["worse"] if one))
    names = f" ({_ids(worse, MOST_IDS)})" if worse else ""
    words = f"compared with the report of {baseline['generated']}: {len(baseline['worse'])} new or"
    words += f" worse{names}, {baseline['known']} known, {baseline['fixed']} fixed"
    page.line((words, "fail" if worse else "pass"), indent=2, hang=2)


def _owner(report: Report) -> str:
    return report["user"]["name"] if report["user"] else ""


def _host_words(report: Report) -> list[str]:
    host = report["host"]
    words = [
        host["os"]["pretty_name"] or host["os"]["id"],
        f"kernel {host['kernel']}" if host["kernel"] else None,
        host["init"] if host["init"] != "none" else None,
        f"cgroups {host['cgroup']}" if host["cgroup"] else None,
        f"LXC {host['lxc']}" if host["lxc"] else None,
    ]
    source = {"root": "a directory tree", "snapshot": "a snapshot"}.get(host["source"])
    return [word for word in (*words, source) if word]


def _subject_words(report: Report) -> list[str]:
    request, config = report["request"], report["config"]
    words = [f"judged: {report['session']}"] if report["session"] else []
    if request["container"]:
        words.append(f"container {request['container']}")
    else:
        words.append(f"a {request['guest']} guest")
    if config["path"]:
        words.append(f"config {config['path']}")
    return words


def _section(
    page: Page,
    report: Report,
    title: str,
    sign: str,
    findings: list[FindingEntry],
    *,
    verbose: bool,
) -> None:
    """Failures of one level, causes with the widest consequences first."""
    if not findings:
        return
    user = _owner(report)
    folded_by = consequences(report["findings"])
    by_check: dict[str, list[FindingEntry]] = {}
    for one in findings:
        by_check.setdefault(one["check"], []).append(one)
    order = by_weight(findings, folded_by)
    page.blank()
    page.line((f"{title} ({len(findings)})", "bold"))
    for number, name in enumerate(order):
        if number:
            page.blank()
        own = by_check[name]
        shown = own if verbose else own[:MOST_FINDINGS]
        for one in shown:
            write_finding(page, one, sign, user)
        if len(own) > len(shown):
            page.line(
                (f"and {len(own) - len(shown)} more of {name}; -v shows them", "dim"), indent=4
            )
        if folded := folded_by.get(name):
            ids = _ids(folded, len(folded) if verbose else MOST_IDS)
            page.line((f"not judged, because of it: {ids}", "dim"), indent=4, hang=2)


def write_finding(page: Page, finding: FindingEntry, sign: str, user: str) -> None:
    """One finding: message, check, proof, and the cure that root or `user` can type."""
    page.line((f"{page.sign(sign)} ", sign), (finding["message"], "bold"), hang=4)
    is_failed = finding["outcome"] == Outcome.FAIL
    stops = f", {'stops' if is_failed else 'decides'} {', '.join(finding['stages'])}"
    stages = stops if finding["stages"] else ""
    page.line((f"{finding['check']}{stages}", "dim"), indent=4, hang=2)
    for evidence in finding["evidence"]:
        line = "" if evidence["line"] is None else f":{evidence['line']}"
        expected = f"  (expected: {evidence['expected']})" if evidence["expected"] else ""
        observed = f"  {evidence['observed']}" if evidence["observed"] else ""
        page.line(f"{evidence['source']}{line}{observed}", (expected, "dim"), indent=4, hang=2)
    if (waiver := finding["waiver"]) is not None and waiver["expired"]:
        words = f"its waiver expired on {waiver['expires']} ({waiver['reason']})"
        page.line((words, "warn"), indent=4, hang=2)
    _fix(page, finding, user)


def _fix(page: Page, finding: FindingEntry, user: str) -> None:
    fix = finding["fix"]
    if fix is None:
        return
    who = [user if user and one == "user" else one for one in fix["needs"]]
    needs = f", as {' and '.join(who)}" if who else ""
    page.line((f"to cure it{needs}: ", "pass"), fix["title"], indent=4, hang=2)
    for step in fix["steps"]:
        page.command(step, indent=8)
    if fix["then"]:
        page.line(THEN.get(fix["then"], f"then {fix['then']}"), indent=6)


def _undecided(page: Page, findings: list[FindingEntry], user: str, *, verbose: bool) -> None:
    """What could not be looked at, one entry per reason, and what crashed."""
    reasons: dict[tuple[str, str], list[FindingEntry]] = {}
    for one in findings:
        matters = one["level"] in (Level.BLOCKING, Level.DEGRADED) or verbose
        if one["outcome"] == Outcome.ERROR or (one["outcome"] == Outcome.UNKNOWN and matters):
            reasons.setdefault((one["outcome"], one["message"]), []).append(one)
    if not reasons:
        return
    page.blank()
    page.line((f"could not be decided ({sum(map(len, reasons.values()))})", "bold"))
    order = sorted(reasons, key=lambda key: (key[0] != Outcome.ERROR, _rank(reasons[key])))
    shown = order if verbose else order[:MOST_REASONS]
    for outcome, message in shown:
        own = reasons[outcome, message]
        crash = "crashed: " if outcome == Outcome.ERROR else ""
        sign = (f"{page.sign('unknown')} ", "unknown")
        page.line(sign, (f"{crash}{message}", "bold"), hang=4)
        names = list(dict.fromkeys(one["check"] for one in own))
        page.line((_ids(names, len(names) if verbose else MOST_IDS), "dim"), indent=4, hang=2)
        for evidence in own[0]["evidence"]:
            line = "" if evidence["line"] is None else f":{evidence['line']}"
            page.line(f"{evidence['source']}{line}", indent=4, hang=2)
        _fix(page, own[0], user)
    if len(order) > len(shown):
        page.line((f"and {len(order) - len(shown)} more reasons; -v shows them", "dim"), indent=2)


def _rank(findings: list[FindingEntry]) -> tuple[bool, int]:
    is_blocking = any(one["level"] == Level.BLOCKING for one in findings)
    return (not is_blocking, -len(findings))


def _waived(page: Page, findings: list[FindingEntry]) -> None:
    waived = [one for one in findings if column(one) == "waived"]
    if not waived:
        return
    page.blank()
    page.line((f"waived ({len(waived)})", "bold"))
    for one in waived:
        waiver = one["waiver"]
        if waiver is None:
            continue
        page.line((f"{page.sign('waived')} ", "warn"), one["message"], hang=4)
        until = f", until {waiver['expires']}" if waiver["expires"] else ""
        words = f"{one['check']} ({one['level']}): {waiver['reason']}{until}"
        page.line((words, "dim"), indent=4, hang=2)


def _everything(page: Page, findings: list[FindingEntry]) -> None:
    """Every check, one line each, by area."""
    area = ""
    for one in findings:
        if one["area"] != area:
            area = one["area"]
            page.blank()
            page.line((area, "bold"))
        what = "waived" if column(one) == "waived" else one["outcome"]
        sign = "unknown" if what == Outcome.ERROR else what
        if what == Outcome.FAIL and one["level"] != Level.BLOCKING:
            sign = "warn"
        style = sign if sign in ("pass", "fail", "warn", "unknown") else "dim"
        message = one["message"]
        page.line((f"{page.sign(sign)} ", style), f"{one['check']}  ", (message, "dim"), hang=4)


def _rest(page: Page, findings: list[FindingEntry], *, verbose: bool) -> None:
    """What was not listed, one line for each kind."""
    counts: dict[str, list[str]] = {}
    for one in findings:
        kind = _kind(one)
        if kind:
            counts.setdefault(kind, []).append(one["check"])
    page.blank()
    for kind in KINDS:
        if kind not in counts:
            continue
        own = list(dict.fromkeys(counts[kind]))
        words = f"{kind}: {len(counts[kind])}"
        if kind in NAMED and not verbose:
            words += f" ({_ids(own, MOST_IDS)})"
        page.line((words, "dim"), indent=2, hang=2)
    if not verbose:
        page.line(("-v shows every check; explain ID tells about one", "dim"), indent=2, hang=2)


KINDS = (
    "could be stronger",
    "worth knowing",
    "could not be decided, without effect on the verdict",
    "passed",
    "do not apply here",
    "not judged, because of a cause above",
)
NAMED = KINDS[:2]


def _kind(finding: FindingEntry) -> str | None:
    """The line of the rest that a finding counts in; None for what has been listed."""
    what, level = column(finding), finding["level"]
    if what == "fail":
        return {Level.HARDENING: KINDS[0], Level.INFO: KINDS[1]}.get(Level(level))
    if what == "unknown" and level in (Level.HARDENING, Level.INFO):
        return KINDS[2]
    return {"pass": KINDS[3], "not_applicable": KINDS[4], "skipped": KINDS[5]}.get(what)


def _ids(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
