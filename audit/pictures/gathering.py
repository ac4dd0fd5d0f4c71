"""What a report's pictures are drawn from: plain data, gathered while the host is at hand.

A renderer sees a report and never the host, and a report may be drawn months later. So what a
picture shows is part of the report. What could not be looked at is None, and `unknown` says why;
an empty list was looked at and is empty.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.engine import CheckResult
from audit.host import Host
from audit.model import Outcome
from audit.pictures.cgroup import cgroup_chain
from audit.pictures.entries import PicturesEntry
from audit.pictures.idmap import id_axis
from audit.pictures.look import guarded
from audit.pictures.network import network_ways
from audit.pictures.path import path_to_rootfs

# Of failing checks and their consequences; nobody reads more arrows than that.
MAX_EDGES = 300


def pictures(host: Host, results: Iterable[CheckResult]) -> PicturesEntry:
    """Everything that is drawn. Never raises: a picture that cannot be made is None."""
    results = tuple(results)
    return {
        "uids": guarded(lambda: id_axis(host, "uid")),
        "gids": guarded(lambda: id_axis(host, "gid")),
        "path": guarded(lambda: path_to_rootfs(host)),
        "cgroup": guarded(lambda: cgroup_chain(host)),
        "network": guarded(lambda: network_ways(host, results)),
        "after": edges(results),
    }


def edges(results: Iterable[CheckResult]) -> list[list[str]]:
    """[cause, consequence] for every check that was not judged because another one failed."""
    troubled = {
        one.check.id: one
        for one in results
        if one.skipped_because or any(f.outcome is Outcome.FAIL for f in one.findings)
    }
    found: list[list[str]] = []
    for name, one in troubled.items():
        if not one.skipped_because:
            continue
        parents = [parent for parent in one.check.after if parent in troubled]
        # A check that leans on a cause without coming after it has no parent but the cause.
        found += [[parent, name] for parent in parents or one.skipped_because]
    return found[:MAX_EDGES]
