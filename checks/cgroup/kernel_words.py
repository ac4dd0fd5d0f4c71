from collections.abc import Iterator

from audit.facts.kernel import DISABLED, disabled_controllers
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, Pass, check
from remediations.cgroups import enabled_controllers

USED = ("memory", "pids", "cpu", "cpuset", "io", "pressure")


@check("The kernel's command line takes no cgroup controller away", Level.DEGRADED)
def kernel_words(host: Host) -> Iterator[Finding]:
    """No cgroup_disable=memory (or pids, cpu...) among the boot parameters.

    The Raspberry Pi's firmware adds cgroup_disable=memory by itself; there cgroup_enable=memory
    brings it back. What limits of a config come to without the controller is judged by
    cgroup.limits, and a start that fails for it by cgroup.threaded_only.

    Why: "No such file or directory - Failed to set "memory.max" to "64M""
    See: kernel-parameters: cgroup_disable=, cgroup_no_v1=
    """
    bad = 0
    for word, names in host.get(disabled_controllers).items():
        gone = [name for name in names if name in USED]
        if gone:
            bad += 1
            yield Fail(
                f"the kernel was booted with {word}: no limits on {', '.join(gone)}",
                Evidence("/proc/cmdline", 1, word, f"no {DISABLED}"),
                subject=word,
                fix=enabled_controllers(host, word, gone),
            )
    if not bad:
        yield Pass("nothing on it disables a controller", Evidence("/proc/cmdline", 1))
