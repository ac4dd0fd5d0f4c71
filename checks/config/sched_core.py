from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.configsyntax import number
from audit.facts.kconfig import kconfig
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Undecided,
    check,
)
from remediations.distro import kernel_option


@check(
    "The kernel has the core scheduling that the config asks for",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def sched_core(host: Host) -> Iterator[Finding]:
    """lxc.sched.core is unset, or the kernel has CONFIG_SCHED_CORE and threads to schedule.

    Why: "Invalid argument - The kernel does not support core scheduling"
    See: prctl(2) PR_SCHED_CORE (Linux 5.14), lxc.container.conf(5) "lxc.sched.core"
    """
    entry = host.get(container_config).last("lxc.sched.core")
    if entry is None or number(entry.value) != 1:
        raise NotApplicable("the config does not ask for core scheduling")
    seen = Evidence(entry.file, entry.line, entry.text)
    if host.get(kconfig).value("SCHED_CORE") != "y":
        fix = kernel_option(host, "SCHED_CORE")
        yield Fail("the kernel was built without CONFIG_SCHED_CORE", seen, fix=fix)
    else:
        yield Undecided("whether the processors have threads to schedule takes a try", seen)
