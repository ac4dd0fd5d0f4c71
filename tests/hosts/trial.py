"""One variant on its host: everybody is asked, LXC and the runner answer, the fix is tried."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any, NamedTuple

from tests.files import ROOT
from tests.hosts.machine import Machine
from tests.hosts.ready import BRIDGE, LOGOUT, READY, inside
from tests.hosts.variants import Variant
from tests.truth import table
from tests.truth.inside import said
from tests.truth.table import Row

BROKEN = "broken"
TEMPLATE = "busybox"
# What became of the fix.
WELL, FIXED, DEFECT = "well", "fixed", "defect"


class Trial(NamedTuple):
    """What a variant said and did.

    `results`: of the broken host, and when it was mended, of that. `mended`: WELL (nothing to fix),
    FIXED (it ran after `fix --apply`, a new login, and a reboot when it asked for one) or DEFECT.
    """

    variant: Variant
    results: list[dict[str, Any]]
    mended: str
    words: str  # of the fix
    snapshot: str  # of the host before the fix
    seconds: float

    @property
    def rows(self) -> list[Row]:
        """The predictions, before and after the fix."""
        case = self.variant.case
        cases = (case, case._replace(name=f"{case.name}, fixed"))
        pairs = zip(cases, self.results, strict=False)
        return [row for one, result in pairs for row in table.rows(one, result)]

    @property
    def wrong(self) -> list[Row]:
        """The predictions that were wrong, and what crashed."""
        return [row for row in self.rows if row.verdict in table.BAD]

    @property
    def reality(self) -> dict[str, dict[str, bool]]:
        """Before the fix: container -> stage -> does it work."""
        return {
            name: {stage: one["works"] for stage, one in stages.items()}
            for name, stages in self.results[0]["reality"].items()
        }


def tried(machine: Machine, variant: Variant) -> Trial:
    """Load the prepared host, break it, judge it, fix it, judge it again."""
    began = time.monotonic()
    machine.load(READY)
    machine.shell(variant.sabotage)
    machine.save(BROKEN)
    results = [judged(machine, variant, "full" if variant.in_tests else "")]
    snapshot = results[0].pop("snapshot")
    results[0]["reports"]["new"]["snapshot"] = replayed(snapshot)
    mended, words = WELL, ""
    if not runs(results[0]):
        words = mend(machine)
        results.append(judged(machine, variant, "again"))
        mended = FIXED if runs(results[1]) else DEFECT
    return Trial(variant, results, mended, words, snapshot, time.monotonic() - began)


def judged(machine: Machine, variant: Variant, how: str) -> dict[str, Any]:
    """What tests/hosts/inside.py finds."""
    words = f"judge {variant.session} {TEMPLATE} {how}"
    found: dict[str, Any] = json.loads(inside(machine, words))
    return found


def replayed(snapshot: str) -> dict[str, Any]:
    """What the audit says here about a host that was recorded there."""
    audit = ["-m", "lxc_preflight", "audit", "--snapshot", "-", "--format", "json"]
    return said(
        subprocess.run(
            [sys.executable, *audit],
            input=snapshot,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    )


def runs(result: dict[str, Any]) -> bool:
    """Whether a new container was made, and ran by our own run with its network and limits."""
    new, limited = (result["reality"].get(name, {}) for name in ("new", "limited"))
    stages = ("start", "network", "limits")
    ran = [one[stage]["works"] for one in (new, limited) for stage in stages if stage in one]
    return len(ran) == 5 and all(ran)


def mend(machine: Machine) -> str:
    """`fix --apply` on the broken host, then a new login, or a reboot; what the fix said."""
    machine.load(BROKEN)
    said = json.loads(inside(machine, f"mend {TEMPLATE}"))
    words = f"{said['out']}\n{said['err']}".strip()
    machine.shell(LOGOUT)
    if re.search(r"^For all of it to be in force: .*reboot", words, re.MULTILINE):
        machine.reboot()
        machine.shell(BRIDGE)
    return words
