"""Reports as hypothesis draws them: every text of a host may hold anything."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from hypothesis import strategies as st

from audit.model import Level, Outcome, Stage
from audit.pictures.entries import PicturesEntry
from audit.report import (
    BaselineEntry,
    ExplanationEntry,
    FindingEntry,
    Report,
    quoted,
    summarise,
)
from tests.reports.poison import POISON

ids = st.from_regex(r"[a-z]{1,8}\.[a-z_]{1,12}", fullmatch=True)
# Everything that Python can hold in a text, undecodable bytes and terminal escapes with preference.
hostile = st.text(
    st.characters(exclude_categories=())
    | st.sampled_from("\x1b\x9b\r\n\b\x00\u202e\u200b\u2028[]:/\\<&\udcff"),
    max_size=40,
) | st.sampled_from(
    [
        POISON,
        "<b onclick='x'>",
        "\n::error::100%0A",
        '"} 1\n',
        "`**_",
        "\x1b]0;owned\x07",
        "[bold red]x[/]",
        "[link=http://x]y[/link]",
        ":smile:",
        "A" * 5000,
    ]
)
texts = hostile.map(quoted)
maybe = st.none() | texts
evidence = st.fixed_dictionaries(
    {
        "source": texts,
        "line": st.none() | st.integers(0, 10**6),
        "observed": texts,
        "expected": texts,
    }
)
fixes = st.fixed_dictionaries(
    {
        "id": st.just("some_fix"),
        "title": texts,
        "steps": st.lists(texts, max_size=2),
        "needs": st.lists(st.sampled_from(["root", "user"]), max_size=1),
        "then": st.sampled_from([None, "re-login", "reboot"]),
        "undo": st.sampled_from(["yes", "no", "partly", ""]),
    }
)
waivers = st.fixed_dictionaries(
    {
        "reason": texts.filter(bool),
        "expires": st.sampled_from([None, "2026-01-01"]),
        "expired": st.booleans(),
    }
)


def of_type(kind: Any, key: str = "") -> st.SearchStrategy[Any]:
    """Any value of a type of audit/report.py or audit/pictures, its texts hostile ones."""
    origin, arguments = get_origin(kind), get_args(kind)
    if key == "state":
        return st.sampled_from(["ok", "bad", "unknown", "unjudged", "absent"])
    if key == "fate":
        return st.sampled_from(["set", "ignored", "fails", "moot"])
    if key in ("checks", "after"):
        return st.lists(
            st.lists(ids, min_size=2, max_size=2) if key == "after" else ids, max_size=3
        )
    if is_typeddict(kind):
        return st.fixed_dictionaries({k: of_type(v, k) for k, v in get_type_hints(kind).items()})
    if origin in (Union, UnionType):
        return st.one_of(*map(of_type, arguments))
    if origin is list:
        return st.lists(of_type(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(texts, of_type(arguments[1]), max_size=2)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: texts,
        bool: st.booleans(),
        int: st.integers(0, 2**32) | st.integers(0, 10**40),
        type(None): st.none(),
    }
    return simple[kind]


@st.composite
def findings(draw: st.DrawFn) -> FindingEntry:
    check = draw(ids)
    return cast(
        FindingEntry,
        {
            "check": check,
            "area": check.partition(".")[0],
            "title": draw(texts),
            "level": draw(st.sampled_from(list(Level))).value,
            "outcome": draw(st.sampled_from(list(Outcome))).value,
            "subject": draw(texts),
            "message": draw(texts),
            "evidence": draw(st.lists(evidence, max_size=2)),
            "skipped_because": draw(st.lists(ids, max_size=2)),
            "stages": [one.value for one in draw(st.sets(st.sampled_from(list(Stage))))],
            "waiver": draw(st.none() | waivers),
            "fix": draw(st.none() | fixes),
        },
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    entries = draw(st.lists(findings(), max_size=6))
    answers = st.sampled_from(["yes", "no", "unknown"])
    return cast(
        Report,
        {
            "schema": "lxc-preflight/report/1",
            "tool": {"name": "lxc-preflight", "version": "0.1.0"},
            "generated": "2026-11-23T20:00:00Z",
            "duration_ms": 41.3,
            "host": {
                "hostname": draw(maybe),
                "os": {"id": draw(maybe), "version_id": draw(maybe), "pretty_name": draw(maybe)},
                "kernel": draw(maybe),
                "init": draw(maybe),
                "cgroup": draw(maybe),
                "lxc": draw(maybe),
                "source": draw(st.sampled_from(["live", "root", "snapshot"])),
            },
            "user": draw(
                st.none()
                | st.fixed_dictionaries(
                    {"name": texts, "uid": st.just(1), "gid": st.just(1), "home": texts}
                )
            ),
            "session": draw(texts),
            "config": {"path": draw(maybe), "includes": draw(st.lists(texts, max_size=1))},
            "request": {
                "user": draw(texts),
                "config": draw(maybe),
                "container": draw(maybe),
                "guest": draw(st.sampled_from(["plain", "systemd"])),
                "template": draw(maybe),
            },
            "verdict": draw(st.sampled_from(["ready", "not-ready", "unknown"])),
            "stages": {
                stage.value: {"verdict": draw(answers), "because": draw(st.lists(ids, max_size=1))}
                for stage in Stage
            },
            "summary": summarise(entries),
            "findings": entries,
            "explanations": {
                one["check"]: draw(of_type(ExplanationEntry))
                for one in entries
                if one["outcome"] in ("fail", "unknown", "error")
            },
            "pictures": draw(st.none() | of_type(PicturesEntry)),
            "baseline": draw(st.none() | of_type(BaselineEntry)),
            "script": draw(texts),
        },
    )
