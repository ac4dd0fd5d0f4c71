"""One variant on its host: everybody is asked, LXC and the runner answer, the fix is tried."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from tests.hosts.machine import Machine
from tests.hosts.ready import LOGOUT, READY, inside
from tests.hosts.variants import Variant
from tests.truth import table
from tests.truth.table import Row

BROKEN = "broken"
TEMPLATE = "busybox"
# What became of the fix.
WELL, FIXED, BY_HAND, DEFECT = "well", "fixed", "by hand", "defect"


class Trial(NamedTuple):
    """What a variant said and did.

    `mended`: WELL (nothing to fix), FIXED (it ran after `fix --apply`, a new login, and a reboot
    when it asked for one), BY_HAND (what is left is a person's) or DEFECT.
    """

    variant: Variant
    rows: list[Row]
    mended: str
    words: str  # of the fix
    reality: dict[str, dict[str, bool]]  # before the fix: container -> stage -> does it work
    snapshot: str  # of the host before the fix
    seen: dict[str, str]
    seconds: float

    def document(self) -> dict[str, Any]:
        """All but the snapshot, for JSON."""
        rows = [row._asdict() for row in self.rows]
        return {**self._asdict(), "variant": self.variant.name, "rows": rows, "snapshot": None}

    @property
    def wrong(self) -> list[Row]:
        """The predictions that were wrong, and what crashed."""
        return [row for row in self.rows if row.verdict in table.BAD]


def tried(machine: Machine, variant: Variant) -> Trial:
    """Load the prepared host, break it, judge it, fix it, judge it again."""
    began = time.monotonic()
    machine.load(READY)
    machine.shell(variant.sabotage)
    machine.save(BROKEN)
    before = judged(machine, variant)
    snapshot, seen = before.pop("snapshot"), before.pop("seen")
    rows = table.rows(variant.case, before)
    mended, words = WELL, ""
    if not runs(before):
        mended, words, after = mend(machine, variant)
        rows += after
    reality = {
        name: {stage: one["works"] for stage, one in stages.items()}
        for name, stages in before["reality"].items()
    }
    seconds = time.monotonic() - began
    return Trial(variant, rows, mended, words, reality, snapshot, seen, seconds)


def judged(machine: Machine, variant: Variant) -> dict[str, Any]:
    """What tests/hosts/inside.py finds."""
    probe = "probe" if variant.in_tests else ""
    found: dict[str, Any] = json.loads(
        inside(machine, f"judge {variant.session} {TEMPLATE} {probe}")
    )
    return found


def runs(result: dict[str, Any]) -> bool:
    """Whether a new container was made, and ran by our own run with its network and limits."""
    new, limited = (result["reality"].get(name, {}) for name in ("new", "limited"))
    stages = ("start", "network", "limits")
    ran = [one[stage]["works"] for one in (new, limited) for stage in stages if stage in one]
    return len(ran) == 5 and all(ran)


def mend(machine: Machine, variant: Variant) -> tuple[str, str, list[Row]]:
    """`fix --apply` on the broken host, a new login or a reboot, and everything again."""
    machine.load(BROKEN)
    said = json.loads(inside(machine, f"mend {TEMPLATE}"))
    words = f"{said['out']}\n{said['err']}".strip()
    machine.shell(LOGOUT)
    if "reboot" in words:
        machine.reboot()
    after = judged(machine, variant)
    rows = table.rows(variant.case._replace(name=f"{variant.name}, fixed"), after)
    if runs(after):
        return FIXED, words, rows
    return BY_HAND if variant.by_hand else DEFECT, words, rows
