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
    Fix,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.actions import USER, Manual
from remediations.config import Change, by_hand, rewrite

# Which capabilities there are to be dropped depends on the kernel that runs.
DROP = Fix(
    "capabilities",
    "drop what is not kept, in place of lxc.cap.keep, or use the download template",
    (Manual(("# in place of lxc.cap.keep: lxc.cap.drop = all others, see capsh --print",), USER),),
)


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
            fix=DROP,
            stages=(CREATE,) if excludes else STARTING,
        )
    else:
        yield Pass("only lxc.cap.keep is in force", seen)


def only_keep(host: Host) -> Fix:
    """Leave lxc.cap.drop out where it takes nothing off what is kept."""
    config = host.get(container_config)
    kept = {word for entry in config.all("lxc.cap.keep") for word in entry.value.split()}
    drops = config.all("lxc.cap.drop")
    changes = [Change(entry.file, entry.line, entry.text) for entry in drops]
    title = "leave lxc.cap.drop out: what is not kept is dropped"
    if kept & {word for entry in drops for word in entry.value.split()}:
        return Fix("capabilities", title, (by_hand(host, changes),))
    return rewrite(host, title, *changes, mechanism="capabilities")
