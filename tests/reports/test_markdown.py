"""What a host says is text in Markdown, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from audit.report import Report, column
from audit.untrusted import visible
from reports.to_markdown import code, text
from tests.reports.examples import NAMES, example
from tests.reports.poison import forged, poisoned_first
from tests.reports.rendering import LOOSE, rendered
from tests.reports.strategies import hostile, reports

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# Everything that a page may be made of.
BLOCKS = {
    "heading_open",
    "heading_close",
    "paragraph_open",
    "paragraph_close",
    "inline",
    "fence",
    "bullet_list_open",
    "bullet_list_close",
    "list_item_open",
    "list_item_close",
    "html_block",
}
SPANS = {"text", "code_inline", "softbreak", "html_inline", "strong_open", "strong_close"}
HTML_BLOCK = re.compile(r"(<details><summary>[A-Z][a-z ]+: \d+</summary>|</details>)\n?")
marks = st.text("`*_[]()<>!#@:|~&$%\\/ .-=+www1a\n", max_size=30) | hostile


def spans(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from token.children or ()


def test_a_forged_report_has_no_markup_but_ours() -> None:
    demand_ours(forged(example("broken")))


@poisoned_first
@given(reports())
@LOOSE
def test_a_page_has_no_markup_but_ours(report: Report) -> None:
    demand_ours(report)


def demand_ours(report: Report) -> None:
    page = rendered(report, "markdown")
    for line in page.split("\n"):
        assert line.isprintable()
    tokens = PARSER.parse(page)
    for token in tokens:
        is_table = token.type.startswith(("table", "thead", "tbody", "tr_", "th_", "td_"))
        assert is_table or token.type in BLOCKS, token
        if token.type == "html_block":
            assert HTML_BLOCK.fullmatch(token.content), token.content
    for span in spans(tokens):
        assert span.type in SPANS, span
        if span.type == "html_inline":
            assert span.content in ("<!-- -->", "<br>"), span.content
    assert sum(token.type == "table_open" for token in tokens) == 1
    failed = [one for one in report["findings"] if column(one) == "fail"]
    serious = [one for one in failed if one["level"] in ("blocking", "degraded")]
    bold = sum(span.type == "strong_open" for span in spans(tokens))
    assert bold == len(serious) + 1 + bool(report["baseline"])


@given(marks)
@LOOSE
def test_text_shows_what_was_said_and_links_to_nothing(words: str) -> None:
    said = visible(words).strip()
    tokens = PARSER.parse(f"**{text(words)}** end")
    pieces = [span for span in spans(tokens) if span.type != "html_inline"]
    assert [span.type for span in pieces if span.type != "text"] == ["strong_open", "strong_close"]
    shown = "".join(span.content for span in pieces)
    if len(said) <= 600:
        assert shown == f"{said or '-'} end"
    # What a forge makes of plain text: each run of it by itself.
    runs = re.sub(r"\\(.)", r"\1", text(words)).split("<!-- -->")
    for run in runs:
        assert not re.search(r"[@#!%~&$]\w|https?://|www\.|:\w+:|GH-\d", run, re.ASCII), run


@given(marks)
@LOOSE
def test_code_shows_what_was_said(words: str) -> None:
    said = visible(words)
    tokens = PARSER.parse(f"- {code(words, None)} end")
    (span,) = (one for one in spans(tokens) if one.type == "code_inline")
    assert span.content == (said or " ")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_the_report_says(name: str) -> None:
    report = example(name)
    page = rendered(report, "markdown", verbose=False)
    for finding in report["findings"]:
        if column(finding) == "fail" and finding["level"] == "blocking":
            assert f"`{finding['check']}`" in page
            assert finding["fix"] is None or finding["fix"]["steps"][0] in page
    assert f"for `{report['user']['name']}`" in page if report["user"] else True
