from collections.abc import Iterator

from audit.facts.kernel import release, release_text
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, check
from remediations.distro import kernel_option

OLDEST = (3, 13)


@check("The kernel is new enough for user namespaces", Level.BLOCKING, stages=EVERYTHING)
def release_check(host: Host) -> Iterator[Finding]:
    """The kernel is at least 3.13, the first on which unprivileged containers are known to run.

    User namespaces came with 3.8, without most file systems. What newer kernels add (cgroup
    namespaces 4.6, cgroup2's freezer 5.2, overlay in a user namespace 5.11) is asked for by the
    checks that need it.

    Why: "Invalid argument - Failed to unshare new user namespace"
    See: user_namespaces(7), LXC doc: "kernel 3.13"
    """
    running = host.get(release)
    seen = Evidence("/proc/sys/kernel/osrelease", None, host.get(release_text), "3.13 or newer")
    if running < OLDEST:
        yield Fail(
            f"kernel {host.get(release_text)} cannot run unprivileged containers: 3.13 can",
            seen,
            fix=kernel_option(host, "USER_NS"),
        )
    else:
        yield Pass(f"kernel {host.get(release_text)}", seen)
