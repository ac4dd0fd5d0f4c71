"""A line after a second on a terminal; silence everywhere else."""

from __future__ import annotations

import io
import sys
import time

import pytest

from audit import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress.progress(3) as step:
        assert step is None


def test_a_quick_run_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    with progress.progress(3) as step:
        assert step is not None
        step("a.b")
    assert screen.getvalue() == ""


def test_a_slow_step_is_named_and_the_line_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    with progress.progress(3) as step:
        assert step is not None
        step("slow.one")
        time.sleep(0.1)
    assert "1 of 3: slow.one" in screen.getvalue()
    assert screen.getvalue().endswith("\r\033[K")
