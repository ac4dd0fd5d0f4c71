"""The two that edit, awk in the script and Python in previews and forecasts, do the same."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediations.actions import Append, Delete, Edit, Replace
from remediations.edits import Changed, edited
from remediations.script import undo_script

NAMES = ["a", "b", "lxc:1:2", "", " a", "a\r", "\\n & $1", "é\udce9"]
LINES = st.sampled_from(NAMES)
TEXTS = st.builds(
    lambda lines, ends: "\n".join(lines) + ("\n" if ends and lines else ""),
    st.lists(LINES, max_size=6),
    st.booleans(),
)
EDITS = st.one_of(
    st.builds(Append, st.just("/f"), LINES, st.just(False), LINES),
    st.builds(Replace, st.just("/f"), st.integers(1, 7), LINES, LINES),
    st.builds(Delete, st.just("/f"), st.integers(1, 7), LINES, st.integers(1, 3)),
)


def by_awk(text: str, edit: Edit) -> str | None:
    """What `edited` of library.sh says: the text, None for "as wanted"; raises Changed."""
    match edit:
        case Append(_, line, _, behind):
            variables = {"OP": "append", "NUMBER": "0", "OF": "0", "OLD": "", "NEW": line}
            variables["BEHIND"] = behind
        case Replace(_, number, old, new):
            variables = {"OP": "replace", "NUMBER": str(number), "OF": str(number)}
            variables |= {"OLD": old, "NEW": new}
        case Delete(_, number, old, alike):
            variables = {"OP": "delete", "NUMBER": str(number), "OF": str(alike)}
            variables |= {"OLD": old, "NEW": ""}
    done = subprocess.run(
        ["sh", "-c", undo_script().replace("main --undo", "edited")],
        input=text.encode("utf-8", "surrogateescape"),
        capture_output=True,
        env={**os.environ, **variables},
        check=False,
    )
    if done.returncode == 4:
        raise Changed
    assert done.returncode in (0, 3), done.stderr
    after = done.stdout.decode("utf-8", "surrogateescape")
    return None if done.returncode == 3 or after == text else after


@settings(max_examples=150)
@given(TEXTS, EDITS)
def test_awk_and_python_edit_alike(text: str, edit: Edit) -> None:
    try:
        expected = edited(text, edit)
    except Changed:
        with pytest.raises(Changed):
            by_awk(text, edit)
    else:
        assert by_awk(text, edit) == expected


@given(TEXTS, EDITS)
def test_a_second_time_there_is_nothing_to_do(text: str, edit: Edit) -> None:
    if isinstance(edit, Delete):  # made from the text, `alike` is what is there
        edit = edit._replace(alike=max(text.split("\n").count(edit.old), 1))
    try:
        after = edited(text, edit)
    except Changed:
        return
    assert edited(text if after is None else after, edit) is None


@given(TEXTS, EDITS)
def test_no_other_line_is_touched(text: str, edit: Edit) -> None:
    try:
        after = edited(text, edit)
    except Changed:
        return
    before = text.removesuffix("\n").split("\n") if text else []
    lines = (text if after is None else after).removesuffix("\n").split("\n")
    match edit:
        case Append(_, line) if after is not None:
            assert lines == [*before, line]
        case Replace(_, _, old, new) if after is not None and old != new:
            changed = [(a, b) for a, b in zip(before, lines, strict=True) if a != b]
            assert changed == [(old, new)]
        case Delete(_, _, old) if after is not None:
            assert len(lines if after else []) == len(before) - 1
            assert before.count(old) == (lines.count(old) if after else 0) + 1


def test_a_line_that_is_gone_is_not_guessed() -> None:
    with pytest.raises(Changed, match="no line any more that reads 'lxc:1:1'"):
        edited("lxc:2:2\n", Replace("/etc/subuid", 1, "lxc:1:1", "lxc:3:3"))


def test_a_line_that_moved_is_found() -> None:
    moved = edited("new\nold\n", Replace("/f", 1, "old", "better"))
    assert moved == "new\nbetter\n"


def test_of_lines_that_are_alike_one_goes() -> None:
    twice = Delete("/f", 2, "x", alike=2)
    assert edited("x\nx\n", twice) == "x\n"
    assert edited("x\n", twice) is None
