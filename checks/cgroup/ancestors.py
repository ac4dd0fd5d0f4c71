from collections.abc import Iterator

from audit.facts.cgroup import ROOT
from audit.facts.cgstart import run_plan
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import limit

# A busybox container has a handful of processes; a freshly booted systemd one around 30 tasks.
TASKS = 100
MEMORY = 64 * 1024 * 1024
# file -> the least, the unit it counts, systemd's name for it, and what a fix allows
LIMITS = (
    ("pids.max", TASKS, "tasks", "TasksMax", 10 * TASKS),
    ("memory.max", MEMORY, "bytes", "MemoryMax", 16 * MEMORY),
)


@check(
    "No cgroup above the container is too tight for it",
    Level.DEGRADED,
    after=("cgroup.mounted", "cgroup.layout"),
)
def ancestors(host: Host) -> Iterator[Finding]:
    """pids.max and memory.max of every ancestor leave a container something to live on.

    A container is held by its own limits and by those of all cgroups above it: the scope, the
    user's slice (TasksMax=33% of logind's default), a service. Too low a pids.max shows as
    "fork: Resource temporarily unavailable" in the container, too low a memory.max as killed
    processes.

    Why: "fork: Resource temporarily unavailable" (in the container)
    See: cgroups(7); systemd.resource-control(5), TasksMax=, MemoryMax=
    """
    unified = host.get(run_plan).seat.unified
    if unified is None:
        raise NotApplicable("cgroup2 is not mounted")
    place, bad, looked = unified.directory, 0, 0
    while place.startswith(ROOT + "/"):
        for file, least, what, key, value in LIMITS:
            text = (host.read(f"{place}/{file}") or "").strip()
            looked += bool(text)
            if text.isdecimal() and int(text[:20]) < least:
                bad += 1
                yield Fail(
                    f"{place}/{file} allows {text} {what} for the session and all its containers",
                    Evidence(f"{place}/{file}", 1, text, f"{least} or more"),
                    subject=f"{place}/{file}",
                    fix=limit(place, file, key, value, text),
                )
        place = place.rpartition("/")[0]
    if not bad:
        yield Pass(f"{looked} limits above it, none tight", Evidence(unified.directory))
