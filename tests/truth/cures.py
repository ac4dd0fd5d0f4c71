"""python -m tests.truth.cures: every broken host, fixed, started and taken back."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.truth import guest, run
from tests.truth.case import Case
from tests.truth.cases import every

# Fixed by `fix --apply` and proven by a container; left to a person, with the reason; or a defect.
FIXED, BY_HAND, DEFECT = "fixed", "by hand", "defect"
PACKAGES = (
    *("uidmap", "lxc", "lxc-templates", "liblxc-common", "busybox-static", "acl", "passwd"),
    *("libcap2-bin", "libpam-cgfs", "cgroup-tools", "libpam-cgroup", "dnsmasq-base"),
    *("iptables", "nftables", "ifupdown", "xz-utils"),
)


class Row(NamedTuple):
    """What became of one container of one broken host."""

    case: str
    container: str
    causes: tuple[str, ...]
    verdict: str
    why: str = ""


def rows(case: Case, result: dict[str, Any]) -> list[Row]:
    """The rows of a case; none for a container that was not broken."""
    if "crashed" in result:
        return [Row(case.name, "", (), DEFECT, result["crashed"][-600:])]
    found = []
    for name, row in result["rows"].items():
        causes = tuple(result["before"][name]["failed"])
        after = result["after"][name]
        verdict, why = FIXED, ""
        if "could not be done" in row["words"] or "defect" in row["words"]:
            verdict, why = DEFECT, f"a step failed: {row['words']}"
        elif "would break" in row["words"] or "want two things" in row["words"]:
            verdict, why = DEFECT, f"refused: {row['words']}"
        elif after["verdict"] != "ready":
            steps = "; ".join(after.get("steps", ()))
            verdict, why = BY_HAND, f"{', '.join(after['failed'])}: {steps or 'no fix'}"
        elif not row["works"]:
            verdict, why = DEFECT, f"ready after the fix, and yet: {row['error']}"
        found.append(Row(case.name, name, causes, verdict, why))
    words = " | ".join(result["undone"])
    # A package that was installed again stays what it is: the script says that it cannot be undone.
    if result["rows"] and result["different"] and "cannot be taken back" not in words:
        why = f"not as before after undo: {', '.join(result['different'][:8])}: {words[-600:]}"
        found.append(Row(case.name, "undo", (), DEFECT, why))
    return found


HEAD = """# What became of each broken host

`make cures` breaks a working host, in a private world, in every way of `make truth` that breaks
the host (and not one session on it). It runs `fix --apply`, asks the audit, makes and starts real
containers, runs `fix --undo`, and compares `/etc`, the setuid helpers and the way to the user's
containers with what they were. Written by it on {day}: {counts}.

*fixed*: the audit said ready, a real container started, and undo brought back what was there.
*by hand*: what is wrong is left to a person, with the instructions of the last column. *new* is a
container made after the fix, *base* one that was there. The table has what blocks; `fix` itself
cures what is degraded, too, unless told otherwise.

| broken host | cause | new | base | left to a person |
|---|---|---|---|---|
"""


def page(table: list[Row], day: str) -> str:
    """The table in Markdown, one line a case."""
    count = Counter(row.verdict for row in table)
    lines = [HEAD.format(day=day, counts=", ".join(f"{n} {one}" for one, n in count.items()))]
    cases: dict[str, dict[str, Row]] = {}
    for row in table:
        cases.setdefault(row.case, {})[row.container] = row
    for name, found in sorted(cases.items()):
        causes = dict.fromkeys(cause for row in found.values() for cause in row.causes)
        notes = dict.fromkeys(row.why for row in found.values() if row.verdict == BY_HAND)
        cells = [
            name,
            ", ".join(f"`{cause}`" for cause in causes),
            *(found[one].verdict if one in found else "" for one in ("new", "base")),
            "; ".join(_cell(note) for note in notes),
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def _cell(text: str) -> str:
    text = re.sub(r"truth\d+", "alice", text).replace("|", "\\|").replace("\n", " ")
    return f"`{text[:200].replace('`', chr(39))}`"


def fixable(case: Case) -> bool:
    """Whether the host is what is broken, and not one session on it."""
    # worlds have no network: what downloads cannot show that it was cured
    return bool(case.cause) and not (case.in_session or case.chance or case.template == "download")


def obtain_packages() -> str:
    """Have the packages that fixes install at hand: worlds have no network. Why not, if not."""
    done = subprocess.run(
        ["apt-get", "install", "-y", "--download-only", "--reinstall", *PACKAGES],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip()[-200:] if done.returncode else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.truth.cures")
    parser.add_argument("--workers", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--only", default="*", help="cases whose name matches one of these globs")
    parser.add_argument("--json", type=Path, help="also write the table here")
    parser.add_argument("--page", type=Path, help="also write it here, in Markdown")
    args = parser.parse_args()
    if reason := run.obstacle():
        print(f"tests.truth.cures: {reason}", file=sys.stderr)
        return 2
    globs = args.only.split(",")
    cases = [c for c in every() if fixable(c) and any(fnmatch.fnmatch(c.name, g) for g in globs)]
    cases = [case for case in cases if not run.tools_missing(case)]
    if any(case.guest == "systemd" for case in cases) and guest.obtain():
        cases = [case for case in cases if case.guest != "systemd"]
    if why := obtain_packages():
        print(f"packages cannot be installed again here: {why}", file=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    table: list[Row] = []
    done = 0

    def report(case: Case, result: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        made = rows(case, result)
        table.extend(made)
        for row in made:
            print(f"{row.verdict:8} {row.case} {row.container}: {row.why}", flush=True)
        seconds = time.monotonic() - began
        print(f"{done}/{len(cases)}  {seconds:4.0f} s  {case.name}", file=sys.stderr, flush=True)

    run.run(cases, max(1, min(args.workers, run.MOST_WORKERS)), report, "tests.truth.mending")
    count = Counter(row.verdict for row in table)
    print(", ".join(f"{count[one]} {one}" for one in (FIXED, BY_HAND, DEFECT)))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps([row._asdict() for row in table], indent=1) + "\n")
    if args.page:
        args.page.write_text(page(table, time.strftime("%Y-%m-%d")))
    return 1 if count[DEFECT] else 0


if __name__ == "__main__":
    sys.exit(main())
