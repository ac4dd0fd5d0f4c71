from collections.abc import Iterator

from audit.facts.lsm import APPARMOR_ENABLED, active_lsms, is_apparmor_enabled, selinux_mode
from audit.host import Host
from audit.model import Evidence, Finding, Level, Pass, Unknown, check


@check("Which security modules are active is known", Level.INFO)
def active(host: Host) -> Iterator[Finding]:
    """Which of AppArmor and SELinux will judge the container; the other checks of this area lean on
    it.

    Why: liblxc asks AppArmor first, then SELinux, and ignores the settings of the other.
    See: lsm(7), /sys/kernel/security/lsm
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree does not show which security modules will be active")
    apparmor = "on" if host.get(is_apparmor_enabled) else "off"
    text = f"AppArmor {apparmor}, SELinux {host.get(selinux_mode)}"
    try:
        names = host.get(active_lsms)
    except Unknown:
        yield Pass(text, Evidence(APPARMOR_ENABLED, None, apparmor))
        return
    yield Pass(text, Evidence("/sys/kernel/security/lsm", 1, ",".join(names)))
