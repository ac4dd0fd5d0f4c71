"""What stands on the page, as plain data: the template places it and decides nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from audit.model import Level, Outcome, Stage
from audit.report import FindingEntry, FixEntry, Report, column
from reports.fix_script import script_text
from reports.folding import WORDS, by_weight, consequences
from reports.html import draw_cgroup, draw_graph, draw_idmap, draw_network, draw_path
from reports.html.anchors import anchor
from reports.html.svg import Picture
from reports.next_step import next_step

VERDICTS = {
    "ready": ("Ready", "ok"),
    "not-ready": ("Not ready", "bad"),
    "unknown": ("Not known", "unknown"),
}
PROMISES = {
    Stage.CREATE: "lxc-create makes a container",
    Stage.START: "it starts, and its init stays alive",
    Stage.BARE_START: "a plain lxc-start is enough",
    Stage.NETWORK: "its networks come up",
    Stage.LIMITS: "its limits are in force",
}
ANSWERS = {"yes": "ok", "no": "bad", "unknown": "unknown"}
THEN = {
    "re-login": "Then log out of every session and in again.",
    "reboot": "Then reboot.",
}
SOURCES = {
    "live": "this host, running",
    "root": "a directory tree",
    "snapshot": "a snapshot",
}
WHAT_IT_TAKES = {
    "live": "Ask as root, or with --probe, which tries the real operations in throw-away"
    " namespaces.",
    "root": "Ask on the host while it runs: a directory tree has no /proc, /sys, /run and /dev.",
    "snapshot": "Record the host again, as root, with the same version of lxc-preflight.",
}
# The sections in their order: key, title, style, open at first, what it means.
SECTIONS = (
    ("stops", "What stops it", "bad", True, ""),
    ("degraded", "Degraded", "warn", True, "Containers run, with something missing."),
    ("undecided", "Could not be decided", "unknown", True, ""),
    ("waived", "Waived", "quiet", True, "Accepted by somebody: the gate lets them pass."),
    (
        "stronger",
        "Could be stronger",
        "info",
        False,
        "Containers run, weaker than need be.",
    ),
    ("info", "Worth knowing", "info", False, ""),
    ("folded", "Not judged", "quiet", False, "Consequences of something that failed."),
    ("passed", "Passed", "ok", False, ""),
    ("absent", "Does not apply here", "quiet", False, ""),
)
BY_LEVEL = {
    Level.BLOCKING: "stops",
    Level.DEGRADED: "degraded",
    Level.HARDENING: "stronger",
    Level.INFO: "info",
}
BY_COLUMN = {
    "pass": "passed",
    "not_applicable": "absent",
    "unknown": "undecided",
    "error": "undecided",
    "skipped": "folded",
    "waived": "waived",
}
UNDO = {
    "yes": "lxc-preflight fix does this, and takes it back.",
    "partly": "lxc-preflight fix does this, and takes a part of it back.",
    "no": "lxc-preflight fix does this; it cannot be taken back.",
}
MAN = re.compile(r"([A-Za-z0-9_][\w.+-]{0,60})\(([1-9][a-z]?)\)")
LXC_FILE = re.compile(r"LXC ((?:src|config|templates|hooks|doc)/[\w/.+-]{1,120})")
ISSUE = re.compile(r"([\w-]{1,39}/[\w.-]{1,80})#(\d{1,7})")


def content(report: Report) -> dict[str, Any]:
    """Everything that the template shows."""
    findings = report["findings"]
    words, style = VERDICTS.get(report["verdict"], (report["verdict"], "unknown"))
    anchors = _anchors(findings)
    entries = [_entry(one, place, report) for one, place in zip(findings, anchors, strict=True)]
    sections = _sections(report, entries)
    step, commands = next_step(report)
    return {
        "verdict": words,
        "style": style,
        "sentence": _sentence(report, sections),
        "user": report["user"]["name"] if report["user"] else "",
        "hostname": report["host"]["hostname"] or "",
        "about": list(_about(report)),
        "generated": report["generated"],
        "tool": " ".join(report["tool"].get(key, "") for key in ("name", "version")).strip(),
        "stages": list(_stages(report)),
        "sections": sections,
        "pictures": list(_pictures(report)),
        "next": {"words": step[:1].upper() + step[1:].rstrip(":"), "commands": commands},
        "script": script_text(report).strip(),
        "baseline": report["baseline"],
        "takes": WHAT_IT_TAKES.get(report["host"]["source"], WHAT_IT_TAKES["live"]),
        "levels": [one.value for one in Level],
        "outcomes": [(key, word) for key, word in WORDS.items() if _has(findings, key)],
        "areas": sorted({one["area"] for one in findings}),
        "total": len(findings),
    }


def _has(findings: Iterable[FindingEntry], what: str) -> bool:
    return any(column(one) == what for one in findings)


def _anchors(findings: Iterable[FindingEntry]) -> list[str]:
    """Ids of elements: the check's for its first finding, with a number for those that follow."""
    counts: dict[str, int] = {}
    places: list[str] = []
    for one in findings:
        place = anchor(one["check"])
        counts[place] = counts.get(place, 0) + 1
        places.append(place if counts[place] == 1 else f"{place}--{counts[place]}")
    return places


def _entry(finding: FindingEntry, place: str, report: Report) -> dict[str, Any]:
    what = column(finding)
    explanation = report["explanations"].get(finding["check"])
    return {
        "place": place,
        "check": finding["check"],
        "area": finding["area"],
        "title": finding["title"],
        "level": finding["level"],
        "what": what,
        "word": WORDS[what],
        "message": finding["message"],
        "evidence": proof(finding),
        "stages": [stage.replace("_", " ") for stage in finding["stages"]],
        "waiver": finding["waiver"],
        "causes": [(name, anchor(name)) for name in finding["skipped_because"]],
        "fix": cure(finding["fix"], report["user"]["name"] if report["user"] else ""),
        "what_for": explanation["what"].split("\n\n") if explanation else [],
        "why": explanation["why"] if explanation else "",
        "see": list(_links(explanation["see"])) if explanation else [],
        "consequences": [],
    }


def proof(finding: FindingEntry) -> list[dict[str, Any]]:
    """The evidence of a finding, with the place as one word."""
    return [
        {**one, "at": one["source"] + ("" if one["line"] is None else f":{one['line']}")}
        for one in finding["evidence"]
    ]


def cure(fix: FixEntry | None, user: str) -> dict[str, Any] | None:
    """A fix in words and commands, and who can type them."""
    if fix is None:
        return None
    who = [user if user and one == "user" else one for one in fix["needs"]]
    then = fix["then"]
    return {
        "title": fix["title"],
        "steps": fix["steps"],
        "undo": UNDO.get(fix["undo"], ""),
        "who": " and ".join(who),
        "then": THEN.get(then, f"Then {then}.") if then else "",
    }


def _links(see: str) -> Iterator[tuple[str, str]]:
    """The parts of a `See:` line, each with an address where it has one that can be told."""
    for part in re.split(r"[,;]\s+", " ".join(see.split())):
        address = ""
        if found := MAN.fullmatch(part):
            address = f"https://manpages.debian.org/{found[1]}.{found[2]}"
        elif found := LXC_FILE.fullmatch(part):
            address = f"https://github.com/lxc/lxc/blob/main/{found[1]}"
        elif found := ISSUE.fullmatch(part):
            address = f"https://github.com/{found[1]}/issues/{found[2]}"
        yield part, address


def _sections(report: Report, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every finding once: consequences with their first cause that is shown, the rest by kind."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    causes: dict[str, dict[str, Any]] = {}
    for one in entries:
        if one["what"] in ("fail", "waived"):
            causes.setdefault(one["check"], one)
    for one in entries:
        if one["what"] == "skipped":
            cause = next((causes[name] for name, _ in one["causes"] if name in causes), None)
            if cause is not None:
                cause["consequences"].append(one)
                continue
        key = BY_COLUMN.get(one["what"]) or BY_LEVEL[Level(one["level"])]
        kinds.setdefault(key, []).append(one)
    folded = consequences(report["findings"])
    found: list[dict[str, Any]] = []
    for key, title, style, is_open, meaning in SECTIONS:
        if key not in kinds:
            continue
        own = kinds[key]
        if key in ("stops", "degraded", "stronger", "info"):
            failed = [one for one in report["findings"] if column(one) == "fail"]
            rank = {name: n for n, name in enumerate(by_weight(failed, folded))}
            own = sorted(own, key=lambda one: rank[one["check"]])
        section = {"key": key, "title": title, "style": style, "open": is_open}
        section |= {"meaning": meaning, "entries": own, "reasons": []}
        if key == "undecided":
            section["reasons"] = _reasons(own)
        found.append(section)
    return found


def _reasons(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What could not be decided, one group for each reason: what crashed first, then by level."""
    order = [level.value for level in Level]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in entries:
        groups.setdefault((one["what"], one["message"]), []).append(one)
    reasons: list[dict[str, Any]] = [
        {"message": message, "crashed": what == Outcome.ERROR, "entries": own, "first": own[0]}
        for (what, message), own in groups.items()
    ]
    for reason in reasons:
        own = reason["entries"]
        reason["rank"] = (not reason["crashed"], min(order.index(one["level"]) for one in own))
    return sorted(reasons, key=lambda reason: reason["rank"])


def _sentence(report: Report, sections: Iterable[dict[str, Any]]) -> str:
    counts = {one["key"]: len(one["entries"]) for one in sections}
    if report["verdict"] == "ready":
        return "Unprivileged LXC containers work here."
    if report["verdict"] == "unknown":
        return "Nothing fails, and something that decides it could not be looked at."
    number = counts.get("stops", 0)
    if not number:
        return "What stops unprivileged LXC containers is not among the checks shown."
    things = "One thing stops" if number == 1 else f"{number} things stop"
    return f"{things} unprivileged LXC containers."


def _about(report: Report) -> Iterator[tuple[str, str]]:
    """What the report is about, without what was not seen."""
    host, user, config = report["host"], report["user"], report["config"]
    system = host["os"]["pretty_name"] or host["os"]["id"]
    who = f"{user['name']} (uid {user['uid']})" if user else None
    request = report["request"]
    guest = (
        f"container {request['container']}" if request["container"] else f"a {request['guest']} one"
    )
    rows = (
        ("user", who),
        ("session", report["session"]),
        ("guest", guest),
        ("config", config["path"]),
        ("system", system),
        ("kernel", host["kernel"]),
        ("init", host["init"]),
        ("cgroups", host["cgroup"]),
        ("LXC", host["lxc"]),
        ("seen as", SOURCES.get(host["source"], host["source"])),
    )
    return ((name, value) for name, value in rows if value)


def _stages(report: Report) -> Iterator[dict[str, Any]]:
    for stage in Stage:
        prediction = report["stages"][stage]
        # What says yes is everything that passed; what says anything else is worth a link.
        because = prediction["because"] if prediction["verdict"] != "yes" else []
        yield {
            "name": stage.value.replace("_", " "),
            "promise": PROMISES[stage],
            "answer": prediction["verdict"],
            "style": ANSWERS.get(prediction["verdict"], "unknown"),
            "because": [(name, anchor(name)) for name in because[:3]],
            "more": max(0, len(because) - 3),
        }


def _pictures(report: Report) -> Iterator[Picture]:
    """Those for which the report has facts; one that has none is not drawn as empty."""
    graph = draw_graph.draw(report)
    if graph is not None:
        yield graph
    pictures = report["pictures"]
    if pictures is None:
        return
    owner = report["user"]["name"] if report["user"] else ""
    uids, gids = pictures["uids"], pictures["gids"]
    if uids is not None:
        yield draw_idmap.draw(uids, "uid", owner)
    if gids is not None and not _alike(uids, gids):
        yield draw_idmap.draw(gids, "gid", owner)
    if pictures["path"] is not None:
        yield draw_path.draw(pictures["path"])
    if pictures["cgroup"] is not None:
        yield draw_cgroup.draw(pictures["cgroup"])
    if pictures["network"] is not None:
        yield draw_network.draw(pictures["network"])


def _alike(uids: Any, gids: Any) -> bool:
    """Whether the picture of the gids would show the same ranges and the same map once more."""
    keys = ("ranges", "maps", "overlaps", "more_ranges", "notes", "unknown")
    return uids is not None and all(uids[key] == gids[key] for key in keys)
