from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.configvalues import CAPS_EXCLUDE
from audit.facts.lxc import lxc_version
from audit.facts.wanted import template
from audit.host import Host
from audit.model import (
    CREATE,
    EVERYTHING,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.capabilities import drop_the_rest, only_keep


@check(
    "The config does not keep capabilities where its template drops some",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("config.present", "config.includes"),
)
def caps(host: Host) -> Iterator[Finding]:
    """lxc.cap.keep and lxc.cap.drop are not both in force, counting what the template adds.

    The busybox template appends `lxc.cap.drop = sys_module mac_admin mac_override sys_time` to the
    config of the new container. LXC since 4.0.11 refuses to read both; before, it refused to start
    with both. Images of the download template clear the list before the user's lines come.

    Why: "Keeping and dropping capabilities are mutually exclusive"
    See: lxc.container.conf(5) "CAPABILITIES", templates/lxc-busybox
    """
    config = host.get(container_config)
    kept = config.last("lxc.cap.keep")
    if kept is None:
        raise NotApplicable("the config keeps no capabilities: it drops some, or none")
    seen = Evidence(kept.file, kept.line, kept.text)
    excludes = host.get(lxc_version) >= CAPS_EXCLUDE
    dropped = config.last("lxc.cap.drop")
    if dropped is not None and not excludes:
        both = Evidence(dropped.file, dropped.line, dropped.text, "one of the two")
        message = "lxc.cap.keep and lxc.cap.drop are both set: LXC refuses to start with both"
        fix = only_keep(host)
        yield Fail(message, seen, both, fix=fix, stages=STARTING)
    elif host.get(template) == "busybox":
        yield Fail(
            "the busybox template adds lxc.cap.drop, which LXC refuses beside this lxc.cap.keep",
            seen,
            fix=drop_the_rest(host),
            stages=(CREATE,) if excludes else STARTING,
        )
    else:
        yield Pass("only lxc.cap.keep is in force", seen)
