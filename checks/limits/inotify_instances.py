from collections.abc import Iterator

from audit.facts.guest import guest_init
from audit.facts.sysctl import persisted_sysctl, sysctl
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.distro import sysctl as set_sysctl

KEY = "fs.inotify.max_user_instances"
ENOUGH = 1024


@check("There are inotify instances for several systemd containers", Level.DEGRADED)
def inotify_instances(host: Host) -> Iterator[Finding]:
    """fs.inotify.max_user_instances is at least 1024.

    The limit is per user id, and containers with one id map share their root's. A booting systemd
    takes some thirty instances; the kernel's 128 are gone with the fourth container.

    Why: "Failed to allocate directory watch: Too many open files" (inside the container)
    See: inotify(7), LXD issue 2252
    """
    if host.get(guest_init) != "systemd":
        raise NotApplicable("the guest is no systemd: it needs few of them")
    boot = host.get(persisted_sysctl, KEY)
    if host.source.kind == "root":
        text = boot.value if boot is not None else "128"
        seen = Evidence(boot.path, boot.line, text) if boot else Evidence("/etc/sysctl.d")
    else:
        text = host.get(sysctl, KEY) or ""
        seen = Evidence("/proc/sys/fs/inotify/max_user_instances", 1, text, str(ENOUGH))
    if not (text.isascii() and text.isdigit()):
        raise NotApplicable("this kernel has no inotify")
    if int(text) < ENOUGH:
        yield Fail(
            f"{KEY} is {text}: enough for about {int(text) // 32} systemd containers",
            seen,
            fix=set_sysctl(host, KEY, str(ENOUGH)),
        )
    else:
        yield Pass(f"{KEY} is {text}", seen)
