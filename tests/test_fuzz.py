"""Each fuzz target for a few dozen runs, always the same ones; `make fuzz` is the real thing."""

from __future__ import annotations

import random

import pytest

from audit.model import Unknown
from tests.fuzz.__main__ import fuzz
from tests.fuzz.mutate import MAX_TEXT, mutated
from tests.fuzz.targets import Target, targets

EVERY = targets()


@pytest.mark.parametrize("name", sorted(EVERY))
def test_garbage_is_survived(name: str) -> None:
    runs = 12 if name.startswith("answer.") else 60
    _, text, error = fuzz(EVERY[name], random.Random(name), runs=runs)
    assert error is None, f"{text!r}: {type(error).__name__}: {error}"


def fragile(text: str) -> None:
    if "0x10" in text:
        raise KeyError(text)
    if "\0" in text:
        raise Unknown("a zero byte")


def test_what_a_target_may_not_raise_is_found() -> None:
    _, text, error = fuzz(Target("x", fragile, ("a=1\n",)), random.Random(1), runs=3000)
    assert isinstance(error, KeyError) and text and "0x10" in text


def test_what_never_returns_is_found() -> None:
    def hang(text: str) -> None:
        while True:
            pass

    _, _, error = fuzz(Target("x", hang, ("a",)), random.Random(1), runs=1)
    assert "no answer" in str(error)


def test_a_changed_text_stays_small() -> None:
    chance = random.Random(1)
    text = "a\n" * MAX_TEXT
    for _ in range(200):
        text = mutated(text, ("b" * MAX_TEXT,), chance)
        assert len(text) <= MAX_TEXT
