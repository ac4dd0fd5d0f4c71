"""python -m tests.truth [--workers N] [--only GLOB] [--json FILE]: the whole table."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.truth import table, world
from tests.truth.cases import every


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.truth")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="*", help="cases whose name matches this glob")
    parser.add_argument("--json", type=Path, help="also write every result here")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("tests.truth: needs root, for namespaces, users and sabotage", file=sys.stderr)
        return 2
    names = [
        c.name for c in every() if any(fnmatch.fnmatch(c.name, g) for g in args.only.split(","))
    ]
    rows: list[table.Row] = []
    raw: list[dict[str, Any]] = []
    lock = threading.Lock()

    def work(worker: int) -> None:
        mine = names[worker :: args.workers]
        number = os.getpid() % 1000 * 10 + worker
        with world.mount_point() as directory:
            argv = [sys.executable, "-m", "tests.truth.worker", str(number), directory, *mine]
            process = subprocess.Popen(
                world.enter(argv), cwd=world.ROOT, stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            for line in process.stdout:
                report(json.loads(line))
            process.wait()

    def report(result: dict[str, Any]) -> None:
        with lock:
            raw.append(result)
            made = table.rows(result)
            rows.extend(made)
            for row in made:
                if row.verdict != "right":
                    print(table.line(row), flush=True)
            print(f"{len(raw)}/{len(names)}", end="\r", file=sys.stderr, flush=True)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(args.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(table.totals(rows))
    if args.json:
        args.json.write_text(json.dumps(raw))
    missing = set(names) - {r["case"] for r in raw}
    if missing:
        print(f"no result: {', '.join(sorted(missing))}")
    return 1 if missing or any(row.verdict in ("wrong", "crashed") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
