"""Text of a host, before it is shown: nothing acts on the terminal, nothing vanishes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.untrusted import clip, encodable, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünï ✓", "plain ünï ✓"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
        ("\u202eevil", "\\u202eevil"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\x9b31m", "\\x9b31m"),
        ("\u2028", "\\u2028"),
        ("\U000e0041", "\\U000e0041"),
        (b"\xff".decode("utf-8", "surrogateescape"), "\\xff"),
        ("\x00", "\\x00"),
    ],
)
def test_what_could_act_becomes_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_long_text_says_how_much_is_missing() -> None:
    assert visible("a" * 30, 10) == "a" * 10 + "... (20 more characters)"
    assert clip("short") == "short"


@given(st.text(alphabet=st.characters()))
def test_the_result_is_always_printable(text: str) -> None:
    assert visible(text).isprintable()


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_an_encodable_text_is_valid_utf8_and_json(text: str) -> None:
    encodable(text).encode("utf-8")
    assert json.loads(json.dumps(encodable(text))) == encodable(text)
