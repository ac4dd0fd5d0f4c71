"""The journal: one run for a name, and what is undone when a block ends badly."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from audit.errors import UsageError
from runner import cleanup, journal


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Any, ...]]:
    """What cleanup was asked for, in order. Nothing is really done."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls: list[tuple[Any, ...]] = []
    for name in ("end_everything", "remove", "remove_own", "remove_leaves"):
        monkeypatch.setattr(cleanup, name, lambda *words, name=name: calls.append((name, *words)))
    return calls


def left(tmp_path: Path) -> list[str]:
    return os.listdir(tmp_path / "lxc-preflight/journal")


def test_a_block_that_ends_well_leaves_nothing_and_undoes_nothing(
    undone: list[Any], tmp_path: Path
) -> None:
    with journal.entry("a", "/lxc") as entry:
        entry.note(made=True, touched=True)
        text = json.loads((tmp_path / "lxc-preflight/journal/a.json").read_text())
        assert text["name"] == "a" and text["runner"] == os.getpid() and text["made"]
    assert left(tmp_path) == [] and undone == []


def test_a_block_that_fails_is_undone_in_the_order_that_works(
    undone: list[Any], tmp_path: Path
) -> None:
    runs = str(tmp_path / "lxc-preflight/runs/a")
    with pytest.raises(ZeroDivisionError), journal.entry("a", "/lxc") as entry:
        entry.note(
            made=True, touched=True, maps=["u 0 1 2"], directories=[runs], leaf="/cg", log="L"
        )
        entry.session(77)
        raise ZeroDivisionError
    assert [call[0] for call in undone] == [
        *("end_everything", "remove", "remove_own", "remove_leaves"),
    ]
    assert undone[0][1:4] == ("/lxc", "a", 77) and undone[0][5] == "L"
    assert undone[1] == ("remove", "/lxc", "a", ["u 0 1 2"])
    assert left(tmp_path) == []


def test_a_container_that_was_there_before_is_never_removed(undone: list[Any]) -> None:
    with pytest.raises(ZeroDivisionError), journal.entry("a", "/lxc") as entry:
        entry.note(touched=True, log="L")
        raise ZeroDivisionError
    assert [call[0] for call in undone] == ["end_everything"]


def test_two_for_one_name(undone: list[Any]) -> None:
    with (
        journal.entry("a", "/lxc"),
        pytest.raises(UsageError, match="another run works on a"),
        journal.entry("a", "/lxc"),
    ):
        pass
    with journal.entry("a", "/lxc"), journal.entry("b", "/lxc"):
        pass


def test_a_dead_run_is_taken_back_by_whoever_comes_next(undone: list[Any], tmp_path: Path) -> None:
    place = tmp_path / "lxc-preflight/journal"
    place.mkdir(parents=True)
    dead = {"name": "a", "lxcpath": "/lxc", "runner": 1, "made": True, "touched": True}
    (place / "a.json").write_text(json.dumps({**dead, "boot": "an earlier one", "session": 5}))
    journal.recover()
    assert undone == [("end_everything", "/lxc", "a", 0, 0, ""), ("remove", "/lxc", "a", [])]
    assert left(tmp_path) == []  # and its session, of another boot, was nobody's


def test_an_entry_that_was_being_written_is_read(undone: list[Any], tmp_path: Path) -> None:
    place = tmp_path / "lxc-preflight/journal"
    place.mkdir(parents=True)
    dead = json.dumps({"name": "a", "lxcpath": "/lxc", "made": True})
    (place / "a.json").write_text(f'{dead}, "the end of": "a longer one"}}')
    journal.recover()
    assert undone == [("remove", "/lxc", "a", [])]


def test_a_journal_that_names_foreign_places_does_nothing_there(
    undone: list[Any], tmp_path: Path
) -> None:
    journal.take_back({"name": "a", "lxcpath": "/l", "directories": ["/etc", f"{tmp_path}/x"]})
    journal.take_back({"name": 1, "lxcpath": "/l", "made": True})
    journal.take_back({"name": "a", "lxcpath": "relative", "made": True})
    assert undone == []
