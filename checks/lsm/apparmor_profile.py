from collections.abc import Iterator

from audit.facts.apparmor import asked_profile, is_judged, label, own_label
from audit.facts.config import container_config
from audit.facts.executables import which
from audit.facts.lsm import APPARMOR, APPARMOR_ENABLED, is_loaded
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
from remediations.apparmor import default_profile, unconfined


@check("The container's AppArmor profile can be used by this user", Level.BLOCKING, stages=STARTING)
def apparmor_profile(host: Host) -> Iterator[Finding]:
    """With AppArmor on, lxc.apparmor.profile is `unconfined`, `unchanged`, or a profile that is
    loaded.

    `generated`, which Debian's and Ubuntu's /etc/lxc/default.conf ask for, means loading a new
    profile: only root can. Without a line LXC takes lxc-container-default-cgns, which the lxc
    package loads at boot. Without AppArmor in the kernel every value is ignored.

    Why: "Cannot use generated profile: apparmor_parser not available", "Error creating AppArmor
    namespace"
    See: lxc.container.conf(5), LXC issue 4358, LXC src/lxc/lsm/apparmor.c
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree does not show whether AppArmor will be on")
    if not host.get(is_judged):
        raise NotApplicable("AppArmor is off, or the config leaves the profile unchanged")
    name = host.get(label)
    entry = host.get(asked_profile)
    on = Evidence(APPARMOR_ENABLED, 1, "Y")
    if entry is None:
        line = Evidence(host.get(container_config).path, None, "no lxc.apparmor.profile")
    else:
        line = Evidence(entry.file, entry.line, f"lxc.apparmor.profile = {name}", "unconfined")
    if name == "generated":
        parser = host.get(which, "apparmor_parser")
        why = "only root can load it" if parser else "apparmor_parser is not on the user's PATH"
        yield Fail(f"lxc.apparmor.profile is generated, and {why}", line, on, fix=unconfined(host))
    elif name == "unconfined":
        if host.get(own_label) == "unconfined":
            yield Pass("the container runs unconfined by AppArmor", line)
        else:
            raise Unknown(f"whether {host.get(own_label)} may become unconfined takes a try")
    elif host.get(is_loaded, name):
        yield Pass(f"profile {name} is loaded", line)
    else:
        seen = Evidence(f"{APPARMOR}/profiles", None, "not listed", name)
        yield Fail(
            f"AppArmor profile {name} is not loaded",
            line,
            seen,
            fix=default_profile(host) if entry is None else unconfined(host),
        )
