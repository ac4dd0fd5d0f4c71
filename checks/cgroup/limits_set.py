from collections.abc import Iterator

from audit.facts.cglimits import cgroup_limits
from audit.facts.cgstart import twin
from audit.facts.config import config_path
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, Pass, check
from remediations.cgroup_keys import set_limit

# file -> a value to begin with, and what a container without it may use up
WANTED = {
    "memory.max": ("1G", "all memory"),
    "pids.max": ("500", "all process ids"),
    "cpu.weight": ("50", "as much processor time as the host's own work"),
}


@check(
    "The config limits memory, processes and processor time",
    Level.HARDENING,
    after=("cgroup.layout", "cgroup.openrc_mode"),
)
def limits_set(host: Host) -> Iterator[Finding]:
    """lxc.cgroup2.memory.max, pids.max and cpu.weight (or cpu.max) are set.

    A user namespace keeps a container's root from the host's files, not from its resources. Set the
    limits only where they can be in force: see cgroup.limits.

    Why: one container that forks or allocates without end takes the host with it.
    See: lxc.container.conf(5), cgroups(7)
    """
    have = {twin(limit) for limit in host.get(cgroup_limits)}
    if "cpu.max" in have:
        have.add("cpu.weight")
    path = host.get(config_path)
    for file, (value, what) in WANTED.items():
        if file in have:
            continue
        key = f"lxc.cgroup2.{file}"
        yield Fail(
            f"{key} is not set: a container may use {what}",
            Evidence(path, None, "", f"{key} = {value}"),
            subject=key,
            fix=set_limit(host, key, value),
        )
    if set(WANTED) <= have:
        yield Pass("memory, processes and processor time are limited", Evidence(path))
