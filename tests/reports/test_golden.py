"""What users see is what was looked at: `make golden` after a change, and read the difference."""

from __future__ import annotations

import re

import pytest

from tests.golden import DIRECTORY, SCREENS, screens

SEEN = dict(screens())
STYLE = re.compile(r"\x1b\[([0-9;]*)m")
# Bold, dim, and red, green, yellow, magenta, cyan: on dark and on light. Neither black nor white,
# neither blue nor any background: each is unreadable somewhere.
NEUTRAL = {"0", "1", "2", "31", "32", "33", "35", "36"}


def test_there_is_a_file_for_each_screen() -> None:
    assert {path.name for path in DIRECTORY.glob("*.txt")} == set(SEEN)


@pytest.mark.parametrize("name", sorted(SEEN))
def test_a_screen_is_what_was_looked_at(name: str) -> None:
    assert SEEN[name] == (DIRECTORY / name).read_text(), "make golden, and look"


@pytest.mark.parametrize("name", sorted(SEEN))
def test_a_screen_fits_and_its_colours_suit_any_background(name: str) -> None:
    text = SEEN[name]
    used = {code for codes in STYLE.findall(text) for code in codes.split(";")}
    assert used <= NEUTRAL
    assert bool(used) == name.endswith((".80.txt", ".200.txt", "verbose.txt", "difference.txt"))
    width = {"80": 80, "200": 200}.get(name.split(".")[-2])
    plain = STYLE.sub("", text)
    for line in plain.split("\n"):
        is_command = line.startswith(" " * 4)
        assert width is None or len(line) <= width or is_command, line


def test_a_log_of_ci_is_what_a_pipe_gets() -> None:
    assert [screen.name for screen in SCREENS][2:] == ["pipe", "ci"]
    for name in SEEN:
        if name.endswith(".ci.txt"):
            assert SEEN[name] == SEEN[name.replace(".ci.", ".pipe.")]
