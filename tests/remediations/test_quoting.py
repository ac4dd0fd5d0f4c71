from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediations.quoting import word, words

ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
UNDECODABLE = st.binary(max_size=8).map(lambda raw: raw.replace(b"\0", b""))


def printed(shell: list[str], text: str) -> bytes:
    """What a shell takes the words for, each followed by a bar."""
    done = subprocess.run([*shell, "-c", f"printf '%s|' {text}"], capture_output=True, check=True)
    assert not done.stderr
    return done.stdout


@settings(max_examples=120)
@given(ANY | UNDECODABLE.map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_a_shell_takes_a_word_for_what_it_stands_for(text: str) -> None:
    expected = text.encode("utf-8", "surrogateescape") + b"|"
    assert printed(["sh"], word(text)) == expected
    assert word(text).replace("\n", "").isprintable()


@pytest.mark.parametrize("shell", [["dash"], ["bash", "--posix"], ["busybox", "sh"]])
@pytest.mark.parametrize(
    "text",
    ["", "a b", "it's", "$(id)", "`id`", "a\nb", "end\n", "\n\n", "\x1b[31m", "-n", "\udcff"],
)
def test_every_shell_does(shell: list[str], text: str) -> None:
    assert printed(shell, word(text)) == text.encode("utf-8", "surrogateescape") + b"|"


def test_words_stay_apart() -> None:
    assert printed(["sh"], words("a b", "", "c")) == b"a b||c|"


def test_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        word("a\0b")
