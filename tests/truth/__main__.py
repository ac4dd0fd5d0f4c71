"""python -m tests.truth: the whole table."""

from __future__ import annotations

import argparse
import fnmatch
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.truth import guest, page, run, table
from tests.truth.case import Case
from tests.truth.cases import every


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.truth")
    # half of a case's time is waiting whether its guest stays alive
    parser.add_argument("--workers", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--only", default="*", help="cases whose name matches one of these globs")
    parser.add_argument("--json", type=Path, help="also write the table here")
    parser.add_argument("--html", type=Path, help="also write the table here")
    args = parser.parse_args()
    if reason := run.obstacle():
        print(f"tests.truth: {reason}", file=sys.stderr)
        return 2
    globs = args.only.split(",")
    cases = [c for c in every() if any(fnmatch.fnmatch(c.name, glob) for glob in globs)]
    skipped = [f"{c.name}: needs {', '.join(m)}" for c in cases if (m := run.tools_missing(c))]
    cases = [case for case in cases if not run.tools_missing(case)]
    if any(case.guest == "systemd" for case in cases) and (why := guest.obtain()):
        cases = [case for case in cases if case.guest != "systemd"]
        skipped.append(f"guests with systemd: {why}")
    for words in skipped:
        print(f"not tried: {words}", file=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    rows: list[table.Row] = []
    surprises: dict[str, str] = {}

    def report(case: Case, result: dict[str, Any]) -> None:
        made = table.rows(case, result)
        rows.extend(made)
        done = len({row.case for row in rows})
        if words := table.surprise(case, result):
            surprises[case.name] = words
            print(f"surprise {case.name}: {words}", flush=True)
        for row in made:
            if row.way in ("", *table.WAYS) and row.verdict != "right":
                print(table.line(row), flush=True)
        seconds = time.monotonic() - began
        print(f"{done}/{len(cases)}  {seconds:4.0f} s  {case.name}", file=sys.stderr, flush=True)

    try:
        run.run(cases, max(1, min(args.workers, run.MOST_WORKERS)), report)
    except KeyboardInterrupt:
        print("tests.truth: interrupted", file=sys.stderr)
        return 130
    found = page.Truth.of(rows, surprises, skipped, time.monotonic() - began)
    print(found.text())
    for path, content in ((args.json, found.json), (args.html, found.html)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content())
    ours = [row for row in rows if row.way in ("", *table.WAYS)]
    return 1 if surprises or any(row.verdict in table.BAD for row in ours) else 0


if __name__ == "__main__":
    sys.exit(main())
