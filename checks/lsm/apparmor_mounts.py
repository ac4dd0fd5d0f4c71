from collections.abc import Iterator

from audit.facts.apparmor import is_judged, label
from audit.facts.config import container_config
from audit.facts.lsm import APPARMOR
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Unknown,
    check,
)
from remediations.apparmor import incomplete

FEATURE = f"{APPARMOR}/features/mount/mask"


@check(
    "AppArmor mediates mounts, or the config does without",
    Level.BLOCKING,
    stages=STARTING,
    after=("lsm.apparmor_profile",),
)
def apparmor_mounts(host: Host) -> Iterator[Finding]:
    """The kernel's AppArmor has mount rules, which liblxc demands of every profile but
    `unconfined`.

    Why: "If you really want to start this container, set lxc.apparmor.allow_incomplete = 1"
    See: lxc.container.conf(5), LXC src/lxc/lsm/apparmor.c (apparmor_prepare)
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree does not show what its kernel's AppArmor can do")
    if not host.get(is_judged) or host.get(label) == "unconfined":
        raise NotApplicable("no AppArmor profile will confine the container")
    config = host.get(container_config)
    if host.lstat(FEATURE) is not None:
        yield Pass("it does", Evidence(FEATURE, None, "exists"))
    elif (config.get("lxc.apparmor.allow_incomplete") or "0").strip() == "1":
        yield Pass("lxc.apparmor.allow_incomplete is 1", Evidence(config.path))
    else:
        yield Fail(
            "this kernel's AppArmor has no mount rules: lxc-start refuses to go on",
            Evidence(FEATURE, None, "does not exist"),
            fix=incomplete(host),
        )
