"""From a host to its report: what `audit` does, and `diff` and `explain` with snapshots."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from audit import engine
from audit.host import Host
from audit.identity import about
from audit.model import Check
from audit.pictures.gathering import pictures
from audit.progress import progress
from audit.report import Report, build, findings_of
from lxc_preflight import __version__

if TYPE_CHECKING:
    from audit.selection import Selection
    from audit.waivers import Waiver


def report_of(
    host: Host,
    checks: Mapping[str, Check],
    *,
    chosen: Selection | None = None,
    waivers: Iterable[Waiver] = (),
) -> tuple[Report, tuple[Waiver, ...]]:
    """Judge every check, and report the chosen ones; also the waivers that no check answers to."""
    started = time.perf_counter()
    # What a plugin prints must not end up in a machine format on standard output.
    with redirect_stdout(sys.stderr), progress(len(checks)) as step:
        results = engine.run(checks, host, step)
        head = about(host)
        drawn = pictures(host, results)
    kept = results if chosen is None else chosen.keep(results)
    findings = findings_of(kept, head["user"]["name"] if head["user"] else "")
    now = time.gmtime()
    idle: tuple[Waiver, ...] = ()
    waivers = tuple(waivers)
    if waivers:
        import datetime

        from audit.waivers import apply

        idle = apply(
            waivers,
            findings,
            checks,
            user=head["user"]["name"] if head["user"] else "",
            host=head["host"]["hostname"] or "",
            today=datetime.date(now.tm_year, now.tm_mon, now.tm_mday),
        )
    report = build(
        results,
        findings=findings,
        about=head,
        pictures=drawn,
        generated=time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
        version=__version__,
    )
    return report, idle
