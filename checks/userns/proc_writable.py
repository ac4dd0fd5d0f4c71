from collections.abc import Iterator

from audit.facts.mounts import mount_of, mounts_file
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, Unknown, check
from remediations.mounts import kernels, read_write


@check("/proc is mounted, and writable", Level.BLOCKING, stages=EVERYTHING)
def proc_writable(host: Host) -> Iterator[Finding]:
    """/proc is mounted read-write, because an id map is written to /proc/PID/uid_map.

    Why: "newuidmap: open of uid_map failed: Read-only file system"
    See: user_namespaces(7), newuidmap(1)
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree does not show how /proc will be mounted")
    top = host.get(mount_of, "/proc")
    if top is None or top.fstype != "proc":
        yield Fail(
            "/proc is not mounted",
            Evidence(host.get(mounts_file), None, "no proc on /proc"),
            fix=kernels("proc", "/proc"),
        )
    elif top.is_read_only:
        yield Fail(
            "/proc is mounted read-only: no id map can be written",
            Evidence(host.get(mounts_file), top.line, "/proc ro", "rw"),
            fix=read_write(host, top),
        )
    else:
        yield Pass("mounted read-write", Evidence(host.get(mounts_file), top.line, "/proc rw"))
