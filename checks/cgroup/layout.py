from collections.abc import Iterator

from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.cgstart import UNIFIED_ONLY
from audit.facts.init import SYSTEMD, init_system
from audit.facts.lxc import lxc_version, version_text
from audit.facts.mounts import mounts_file
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.cgroups import unified


@check("The host uses cgroup2 alone", Level.DEGRADED, after=("cgroup.mounted",))
def layout(host: Host) -> Iterator[Finding]:
    """/sys/fs/cgroup is a cgroup2 file system ("unified"), not v1 ("legacy") nor both ("hybrid").

    LXC 7.0 and later has no support for v1: a container starts there, but keys, mounts, freezer and
    limits of v1 are gone. LXC up to 6 works with v1, but ignores lxc.cgroup2.* keys there, and
    systemd gives no user the v1 controllers that lxc.cgroup.* keys need. systemd 256 refuses v1
    unless forced, 258 has none. Elsewhere OpenRC decides, by rc_cgroup_mode, and pam_cgfs gives
    users what they have of v1.

    Why: "Ignoring cgroup2 limits on legacy cgroup system" (WARN)
    See: cgroups(7); LXC commits eed40be to f29c3a3; systemd NEWS 256 and 258
    """
    here = host.get(cgroup_layout)
    seen = Evidence(host.get(mounts_file), None, here, UNIFIED)
    release = host.get(version_text)
    if here == UNIFIED:
        yield Pass("cgroup2 is mounted on /sys/fs/cgroup", seen)
        return
    if host.get(lxc_version) >= UNIFIED_ONLY:
        text = (
            f"LXC {release} supports cgroup2 only: limits, freezer and systemd guests do not work"
        )
    elif host.get(init_system) != SYSTEMD:
        what = "see cgroup.openrc_mode, cgroup.user_cgroup"
        raise NotApplicable(
            f"{here}: LXC {release} works with what the user is given of it: {what}"
        )
    else:
        text = f"LXC {release} starts containers there, but ignores lxc.cgroup2.* limits"
    yield Fail(f"the cgroup layout is {here}: {text}", seen, fix=unified(host))
