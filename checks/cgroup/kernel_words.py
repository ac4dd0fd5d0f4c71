from collections.abc import Iterator

from audit.facts.kernel import cmdline
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, Pass, check
from remediations.cgroups import enabled_controllers

# Words of the kernel; the value lists controllers.
DISABLED = "cgroup_disable="
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
    words = host.get(cmdline)
    enabled = {
        name
        for word in words
        if word.startswith("cgroup_enable=")
        for name in word.partition("=")[2].split(",")
    }
    bad = 0
    for word in words:
        if not word.startswith(DISABLED):
            continue
        gone = [n for n in word.partition("=")[2].split(",") if n in USED and n not in enabled]
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
