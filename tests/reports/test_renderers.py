"""What a host says can neither draw on a terminal nor break a format."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import UsageError
from audit.judgement import report_of
from audit.model import Check, Evidence, Fail, Level, Outcome, Pass
from audit.report import Report
from audit.saved import parse_report
from audit.testing import made_host
from reports import formats, renderer, renderer_by_suffix, to_json, to_text
from reports.check_page import render as render_page
from reports.next_step import next_step
from reports.terminal import LEAST, MOST, Page, width_of
from tests.reports.examples import example
from tests.reports.rendering import LOOSE, rendered
from tests.reports.strategies import reports

SCHEMA = json.loads((Path(to_json.__file__).parent / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


@pytest.fixture(scope="module", autouse=True)
def no_forced_colours() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FORCE_COLOR", raising=False)
        yield


def text_of(report: Report, *, verbose: bool = False) -> str:
    out = io.StringIO()
    to_text.render(report, out, verbose=verbose)
    return out.getvalue()


def json_of(report: Report) -> str:
    out = io.StringIO()
    to_json.render(report, out)
    return out.getvalue()


def a_report(*checks: Check) -> Report:
    return report_of(made_host(), {one.id: one for one in checks})[0]


def failing(message: str = "cause", name: str = "a.b", **evidence: Any) -> Check:
    proof = (Evidence(**evidence),) if evidence else ()
    return Check(name, "", Level.BLOCKING, lambda host: iter((Fail(message, *proof),)), "")


@given(reports(), st.booleans())
@LOOSE
def test_the_text_is_lines_of_printable_characters(report: Report, verbose: bool) -> None:
    for line in text_of(report, verbose=verbose).split("\n"):
        assert line.isprintable()


@given(reports())
@LOOSE
def test_the_json_is_ascii_and_what_the_schema_says(report: Report) -> None:
    text = json_of(report)
    assert text.isascii()
    assert "\x1b" not in text
    data = json.loads(text)
    assert data == report
    VALIDATOR.validate(data)
    json.dumps(data, ensure_ascii=False).encode("utf-8")


@given(reports())
@LOOSE
def test_a_saved_report_is_read_back(report: Report) -> None:
    assert parse_report(json.loads(json_of(report)), "r.json") == report


@given(reports(), st.data())
@LOOSE
def test_a_damaged_report_is_refused_or_rendered(report: Report, data: st.DataObject) -> None:
    """Replace any one value by any other: one clear error, or a page."""
    junk: Any = data.draw(
        st.none() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({})
    )
    damaged = _damage(report, junk, data)
    try:
        read = parse_report(damaged, "r.json")
    except UsageError as error:
        assert "r.json" in str(error)
        return
    for format in formats():
        rendered(read, format)


def _damage(value: Any, junk: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _damage(value[key], junk, data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [_damage(value[0], junk, data), *value[1:]]
    return junk


def test_a_report_of_the_engine_is_what_the_schema_says() -> None:
    report = a_report(
        failing("line\x1b[2J", source="/etc/subuid", line=3, observed="\udcff", expected="x"),
        Check("c.d", "", Level.INFO, lambda host: iter((Pass("yes"),)), ""),
        Check("e.f", "", Level.DEGRADED, lambda host: 1 / 0, ""),  # type: ignore[arg-type,return-value]
    )
    data = json.loads(json_of(report))
    VALIDATOR.validate(data)
    assert data["findings"][0]["evidence"][0]["observed"] == "\\xff"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({"schema": "lxc-preflight/report/1"})


def test_very_long_values_are_cut_in_every_format() -> None:
    report = a_report(failing("m" * 10**6, source="/x", observed="o" * 10**6))
    assert len(json_of(report)) < 20_000
    assert len(text_of(report)) < 10_000


def test_the_verdict_comes_first_and_the_proof_is_shown() -> None:
    page = text_of(
        a_report(failing("it is so", source="/etc/subuid", line=3, observed="x", expected="y"))
    )
    assert page.startswith("NOT READY: unprivileged LXC containers for lxc\n")
    assert "✗ it is so\n" in page
    assert "/etc/subuid:3  x  (expected: y)" in page
    assert page.rstrip().endswith("lxc-preflight audit --user lxc")


def test_root_without_sudo_is_not_told_to_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare Debian has none. Another host's report says sudo, whoever reads it."""
    report = example("broken")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for found, there, line in (
        (None, "live", "lxc-preflight fix --user alice"),
        ("/usr/bin/sudo", "live", "sudo lxc-preflight fix --user alice"),
        (None, "root", "sudo lxc-preflight fix --user alice"),
    ):
        monkeypatch.setattr("shutil.which", lambda _, found=found: found)
        report["host"]["source"] = there
        assert next_step(report)[1][0] == line


def test_markup_of_rich_is_text() -> None:
    assert "[bold]x[/bold] :smile:" in text_of(a_report(failing("[bold]x[/bold] :smile:")))


@pytest.mark.parametrize("columns", ["80", "100", "200"])
def test_lines_are_as_wide_as_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    words = "a message of many words " * 20
    page = text_of(a_report(failing(words, source="/a/b" * 60, observed=words)), verbose=True)
    longest = max(map(len, page.split("\n")))
    assert int(columns) - 15 < longest <= int(columns)


def test_a_command_is_never_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    command = "setfacl -m u:100000:x " + "/home/" * 30
    Page(out).command(command, 8)
    assert out.getvalue() == f"        {command}\n"


@pytest.mark.parametrize(
    ("columns", "width"),
    [("120", 120), ("1", LEAST), ("9999", MOST), ("0", 100), ("x", 100), ("", 100), ("²", 100)],
)
def test_the_width_has_bounds(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert width_of(io.StringIO()) == width


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    report = a_report(failing())
    assert "\x1b" not in text_of(report)
    screen = Terminal()
    to_text.render(report, screen)
    assert "\x1b[1;31mNOT READY" in screen.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    to_text.render(report, screen)
    assert "\x1b" not in screen.getvalue()


def test_an_ascii_output_gets_ascii() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    to_text.render(a_report(failing("ü")), out, verbose=True)
    out.flush()
    assert b"x \\xfc" in raw.getvalue()


def test_the_folder_is_the_list_of_formats() -> None:
    assert formats()[0] == "text"
    assert "json" in formats()
    assert renderer("json") is to_json.render
    assert renderer_by_suffix("a/b.json") is to_json.render
    for path in ("report", "report.txt", "json"):
        with pytest.raises(UsageError, match="the suffix must be one of"):
            renderer_by_suffix(path)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_page_of_a_check_shows_every_outcome(outcome: Outcome) -> None:
    finding: dict[str, Any] = {
        "outcome": outcome.value,
        "message": "what was found",
        "check": "a.b",
        "stages": [],
        "evidence": [],
        "fix": None,
        "skipped_because": [],
        "waiver": None,
        "level": "blocking",
        "subject": "",
    }
    data: dict[str, Any] = {
        "id": "a.b",
        "title": "t",
        "level": "blocking",
        "doc": "One.\n\nWhy: x",
        "user": None,
    }
    data |= {"stages": [], "after": [], "aliases": [], "source": "live", "looked_at": []}
    out = io.StringIO()
    render_page({**data, "findings": [finding]}, out)
    assert "what was found" in out.getvalue()
