from collections.abc import Iterator

from audit.facts.kconfig import kconfig
from audit.host import Host
from audit.model import Evidence, Finding, Level, Pass, check

# option -> what a container cannot be limited in without it
CONTROLLERS = {
    "MEMCG": "memory",
    "CGROUP_PIDS": "number of processes",
    "CPUSETS": "choice of processors",
    "CGROUP_SCHED": "processor time",
    "BLK_CGROUP": "disk input and output",
    "CGROUP_HUGETLB": "huge pages",
}
DEVICES = {"CGROUP_DEVICE": "v1", "CGROUP_BPF": "v2"}


@check("What the kernel can limit containers in is known", Level.INFO)
def controllers(host: Host) -> Iterator[Finding]:
    """Which cgroup controllers the kernel was built with; none of them is needed to run a
    container.

    A limit in a container's config needs its controller, and that is judged where the limit stands.
    Device filters are named for completeness: they take real root and do not concern a user's
    containers.

    Why: a limit without its controller: "Failed to set "memory.max" to "512M""
    See: cgroups(7), LXC issue 3201 ("The bpf device cgroup requires real root")
    """
    config = host.get(kconfig)
    off = [what for option, what in CONTROLLERS.items() if config.value(option) != "y"]
    filters = [name for option, name in DEVICES.items() if config.value(option) == "y"]
    seen = tuple(
        Evidence(config.path, entry[0], config.line(option))
        for option in CONTROLLERS
        if (entry := config.entry(option)) is not None
    )
    able = "no limits on " + ", ".join(off) if off else "limits of every kind"
    yield Pass(f"{able}; device filters: {' '.join(filters) or 'none'}", *seen)
