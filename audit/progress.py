"""A line on the terminal when something takes longer than a second; nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1.0  # seconds of silence
PERIOD = 0.2


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None] | None]:
    """Yields a function to call with the name of each step, or None when nobody would see it.

    A timer's signal draws the line, so that it also appears while a single step takes long, and
    costs nothing before.
    """
    if not sys.stderr or not sys.stderr.isatty():
        yield None
        return
    import signal

    done, current, drawn = 0, "", False

    def step(name: str) -> None:
        nonlocal done, current
        done, current = done + 1, name

    def draw(_signal: int, _frame: object) -> None:
        nonlocal drawn
        drawn = True
        sys.stderr.write(f"\r\033[K  {done} of {total}: {current[:60]}")
        sys.stderr.flush()

    before = signal.signal(signal.SIGALRM, draw)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, PERIOD)
    try:
        yield step
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if drawn:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
