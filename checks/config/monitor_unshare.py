from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.configsyntax import number
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, check
from remediations.config import leave_out


@check(
    "The config does not ask for a mount namespace of the monitor",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def monitor_unshare(host: Host) -> Iterator[Finding]:
    """lxc.monitor.unshare is unset or 0.

    LXC's monitor runs as the user, outside the container's user namespace, and only root may
    unshare a mount namespace there.

    Why: "Operation not permitted - Failed to unshare mount namespace"
    See: lxc.container.conf(5) "lxc.monitor.unshare", LXC src/lxc/lxccontainer.c (do_lxcapi_start)
    """
    entry = host.get(container_config).last("lxc.monitor.unshare")
    if entry is None or number(entry.value) == 0:
        raise NotApplicable("the config does not ask for it")
    yield Fail(
        "lxc.monitor.unshare needs root: a user's monitor gets no mount namespace of its own",
        Evidence(entry.file, entry.line, entry.text, "no such line"),
        fix=leave_out(host, entry),
    )
