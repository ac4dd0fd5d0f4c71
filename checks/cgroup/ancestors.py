from collections.abc import Iterator

from audit.facts.cgroup import ROOT
from audit.facts.cgstart import run_plan
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check

# A busybox container has a handful of processes; a freshly booted systemd one around 30 tasks.
TASKS = 100
MEMORY = 64 * 1024 * 1024


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
        for file, least, what in (("pids.max", TASKS, "tasks"), ("memory.max", MEMORY, "bytes")):
            text = (host.read(f"{place}/{file}") or "").strip()
            looked += bool(text)
            if text.isdecimal() and int(text[:20]) < least:
                bad += 1
                yield Fail(
                    f"{place}/{file} allows {text} {what} for the session and all its containers",
                    Evidence(f"{place}/{file}", 1, text, f"{least} or more"),
                    subject=f"{place}/{file}",
                    fix=_raise(place, file),
                )
        place = place.rpartition("/")[0]
    if not bad:
        yield Pass(f"{looked} limits above it, none tight", Evidence(unified.directory))


def _raise(place: str, file: str) -> Fix:
    name = place.rpartition("/")[2]
    if name.endswith((".slice", ".service", ".scope")):
        key = "TasksMax" if file == "pids.max" else "MemoryMax"
        return Fix("unit_limit", "raise it", (f"systemctl set-property {name} {key}=infinity",))
    return Fix("cgroup_limit", "raise it", (f"echo max > {place}/{file}",))
