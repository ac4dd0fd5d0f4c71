from collections.abc import Iterator

from audit.facts.apparmor import is_judged
from audit.facts.config import container_config
from audit.facts.lsm import selinux_mode
from audit.host import Host
from audit.model import STARTING, Evidence, Finding, Level, NotApplicable, Pass, Undecided, check


@check("The container's SELinux context can be used", Level.BLOCKING, stages=STARTING)
def selinux_context(host: Host) -> Iterator[Finding]:
    """With SELinux on, lxc.selinux.context is unset, or one that the session may change to.

    Unset means `unconfined_t`, for which LXC does nothing. Whether the policy allows another one is
    not written anywhere that can be read.

    Why: "Failed to set SELinux exec context", avc: denied { transition }
    See: lxc.container.conf(5), LXC src/lxc/lsm/selinux.c
    """
    mode = host.get(selinux_mode)
    if mode == "off":
        raise NotApplicable("SELinux is off")
    if host.get(is_judged):
        raise NotApplicable("AppArmor is on: LXC does not look at SELinux then")
    entry = host.get(container_config).last("lxc.selinux.context")
    if entry is None or entry.value == "unconfined_t":
        yield Pass("the config asks for none")
        return
    seen = Evidence(entry.file, entry.line, f"lxc.selinux.context = {entry.value}")
    if mode == "permissive":
        yield Pass("SELinux is permissive", seen)
    else:
        yield Undecided(f"whether the policy allows {entry.value} takes a start", seen)
