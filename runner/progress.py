"""A bar while an image is fetched: on a terminal, and when it takes longer than a second."""

from __future__ import annotations

import sys
import time
from typing import Any

PATIENCE = 1.0  # seconds of silence


class Bar:
    """`step` is called with the bytes that have arrived, and those that will in all."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began: float | None = None
        self._progress: Any = None
        self._task: Any = None
        self._is_seen = sys.stderr.isatty()

    def step(self, have: int, total: int | None) -> None:
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        if not self._is_seen or now - self._began < PATIENCE:
            return
        if self._progress is None:
            self._open(total)
        self._progress.update(self._task, completed=have, total=total)
        if have == total:
            self.close()

    def _open(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._task = self._progress.add_task(self._title, total=total)
        self._progress.start()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._is_seen = False
