from collections.abc import Iterator

from audit.facts.cgroup import ROOT, UNIFIED, cgroup_layout, root_controllers
from audit.facts.systemd import CONTROLLERS
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.distro import kernel_option

OPTIONS = {
    "cpu": "CGROUP_SCHED",
    "cpuset": "CPUSETS",
    "io": "BLK_CGROUP",
    "memory": "MEMCG",
    "pids": "CGROUP_PIDS",
}


@check(
    "The kernel offers all controllers on cgroup2",
    Level.DEGRADED,
    after=("cgroup.mounted", "cgroup.layout", "cgroup.kernel_words"),
)
def controllers(host: Host) -> Iterator[Finding]:
    """cgroup.controllers at the top of cgroup2 has cpu, cpuset, io, memory and pids.

    What is missing there can be limited for nobody. A controller is missing when the kernel was
    built or booted without it, and when a v1 hierarchy holds it.

    Why: "No such file or directory - Failed to set "memory.max" to "64M""
    See: cgroups(7); kernel Documentation/admin-guide/cgroup-v2.rst
    """
    if host.get(cgroup_layout) != UNIFIED:
        raise NotApplicable("the controllers are with cgroup v1 here")
    have = host.get(root_controllers)
    seen = Evidence(f"{ROOT}/cgroup.controllers", 1, " ".join(have), " ".join(CONTROLLERS))
    for name in CONTROLLERS:
        if name not in have:
            fix = kernel_option(host, OPTIONS[name])
            yield Fail(f"this kernel offers no {name} controller", seen, subject=name, fix=fix)
    if set(CONTROLLERS) <= set(have):
        yield Pass("all five are there", seen)
