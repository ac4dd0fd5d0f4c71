"""python -m tests.hosts: the matrix of booted hosts, with a live table."""

from __future__ import annotations

import argparse
import fnmatch
import json
import signal
import sys
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tests.hosts import machine, matrix, measured, recording
from tests.hosts.measured import Measured
from tests.hosts.trial import DEFECT, Trial
from tests.hosts.variants import MATRIX, Boot, Variant
from tests.truth import table as truth


class Screen:
    """The live table on a terminal; on a pipe, a line per variant."""

    def __init__(self, variants: list[Variant], live: Live, out: Path | None, keep: bool) -> None:
        self.live, self.out, self.keep = live, out, keep
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.state: dict[str, tuple[str, ...]] = {variant.name: () for variant in variants}
        self.what = {variant.name: variant.what for variant in variants}
        self.trials: dict[str, Trial] = {}
        self.failures: dict[str, str] = {}
        self.quiet = not live.console.is_terminal

    def table(self) -> Table:
        """The variants with what is known of each."""
        shown = Table(title="csbnl: create start bare_start network limits; + works, - does not")
        for name in ("host", "what", "is", "said", "cause", "fix", "verdict"):
            shown.add_column(name)
        for name, cells in self.state.items():
            shown.add_row(name, self.what[name], *cells)
        return shown

    def put(self, name: str, *cells: str) -> None:
        self.state[name] = cells
        self.live.update(self.table())
        if self.quiet and len(cells) > 1:
            seconds = time.monotonic() - self.began
            print(f"{seconds:5.0f} s  {name:24} {'  '.join(cells)}", flush=True)

    def booting(self, boot: Boot) -> None:
        for variant in MATRIX:
            if variant.boot == boot and variant.name in self.state:
                self.put(variant.name, "...")

    def done(self, trial: Trial) -> None:
        with self.lock:
            self._done(trial)

    def _done(self, trial: Trial) -> None:
        name = trial.variant.name
        self.trials[name] = trial
        if self.out:
            self.out.mkdir(parents=True, exist_ok=True)
            (self.out / f"{name}.snapshot.json").write_text(trial.snapshot)
            document = {**trial._asdict(), "variant": name, "snapshot": None}
            (self.out / f"{name}.json").write_text(json.dumps(document, indent=1))
        if self.keep:
            recording.keep(name, trial.snapshot)
            measured.keep([Measured.of(trial)])
        lines = truth.summaries(trial.rows)
        cells = [
            " ".join(getattr(line, part) for line in lines) for part in ("reality", "predicted")
        ]
        causes = " ".join(dict.fromkeys(line.cause for line in lines if line.cause))
        verdict = "wrong" if trial.wrong else "right"
        self.put(name, *cells, causes, trial.mended, verdict)
        for row in trial.rows:
            if row.verdict != "right":
                self.live.console.print(truth.line(row), markup=False)
        if trial.mended == DEFECT:
            self.live.console.print(trial.words[-1500:], markup=False)

    def failed(self, variant: Variant, words: str) -> None:
        self.failures[variant.name] = words
        self.put(variant.name, "not tried", words[-300:])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hosts")
    parser.add_argument("--only", default="*", help="variants whose name matches one of the globs")
    parser.add_argument("--jobs", type=int, default=2, help="hosts at a time")
    parser.add_argument("--out", type=Path, help="a directory for results and snapshots")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep what was measured: tests/recorded/hosts, docs/hosts.md, README.md",
    )
    args = parser.parse_args()
    if reason := machine.obstacle():
        print(f"tests.hosts: {reason}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    globs = args.only.split(",")
    variants = [v for v in MATRIX if any(fnmatch.fnmatch(v.name, one) for one in globs)]
    console = Console()
    with Live(console=console, auto_refresh=False, transient=False) as live:
        screen = Screen(variants, live, args.out, args.keep)
        listener = matrix.Listener(
            screen.booting, lambda one: screen.put(one.name, "at work"), screen.done, screen.failed
        )
        matrix.run(variants, listener, args.jobs)
    trials = screen.trials.values()
    bad = [one for one in trials if one.wrong or one.mended == DEFECT]
    return 1 if bad or screen.failures else 0


if __name__ == "__main__":
    sys.exit(main())
