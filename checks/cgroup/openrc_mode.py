from collections.abc import Iterator

from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.init import OPENRC, init_system
from audit.facts.openrc import MODES, cgroup_mode, default_mode, in_runlevel, version
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, Unknown, check
from remediations import cgroups


@check("OpenRC mounts cgroup2, now and after a reboot", Level.DEGRADED)
def openrc_mode(host: Host) -> Iterator[Finding]:
    """rc_cgroup_mode is "unified", set or by default, it is what is mounted, and `cgroups` starts.

    rc.conf is read by the shell: the last assignment counts, a commented line says nothing. The
    default is "unified" since OpenRC 0.51 and was "hybrid" before; the commented line in rc.conf
    shows it.

    Why: "Ignoring cgroup2 limits on legacy cgroup system" (WARN), on hybrid and legacy
    See: openrc etc/rc.conf, init.d/cgroups, NEWS of 0.51
    """
    if host.get(init_system) != OPENRC:
        raise NotApplicable("OpenRC does not run here")
    mode = host.get(cgroup_mode)
    if mode is None:
        raise Unknown("rc_cgroup_mode is not set, and OpenRC's version, hence its default, unknown")
    how = "set" if mode.line else f"the default of OpenRC {_version(host)}"
    seen = Evidence(mode.source, mode.line, f'rc_cgroup_mode="{mode.value}" ({how})', UNIFIED)
    if mode.value not in MODES:
        yield Fail(
            f"rc_cgroup_mode is {mode.value!r}: OpenRC mounts nothing for it",
            seen,
            fix=cgroups.openrc_mode(host),
        )
        return
    if mode.value != UNIFIED:
        yield Fail(
            f"OpenRC mounts cgroups as {mode.value} ({how}): lxc.cgroup2.* limits are ignored",
            seen,
            fix=cgroups.openrc_mode(host),
        )
        return
    if host.source.kind != "root" and host.get(cgroup_layout) != UNIFIED:
        yield Fail(
            f"rc_cgroup_mode is unified, but {host.get(cgroup_layout)} is mounted until a reboot",
            seen,
            fix=cgroups.reboot(),
        )
        return
    if not host.get(in_runlevel, "cgroups"):
        yield Fail(
            "the service `cgroups` is in no runlevel: nothing mounts cgroups at boot",
            Evidence("/etc/runlevels", None, "no cgroups", "sysinit/cgroups"),
            fix=cgroups.cgroups_service(host),
        )
        return
    yield Pass(f"rc_cgroup_mode is unified ({how})", seen)


def _version(host: Host) -> str:
    release = host.get(version)
    if release is None:
        return "(unknown)"
    return f"{'.'.join(str(part) for part in release)} ({default_mode(release)})"
