from collections.abc import Iterator

from audit.facts.sysctl import persisted_sysctl, sysctl
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.distro import sysctl as set_sysctl

KEY = "kernel.unprivileged_userns_clone"
PATH = "/proc/sys/kernel/unprivileged_userns_clone"


@check(
    "Ordinary users may make user namespaces",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("kernel.kconfig.user_ns",),
)
def unprivileged_clone(host: Host) -> Iterator[Finding]:
    """kernel.unprivileged_userns_clone is 1, on kernels that have it.

    Debian's and Arch's linux-hardened kernels carry the patch. Debian's default is 1 since kernel
    5.10, linux-hardened's is 0. Other kernels have no such parameter, which is as good as 1.

    Why: "Operation not permitted - Failed to unshare new user namespace"
    See: LXC issue 888, /usr/share/doc/lxc/README.Debian.gz
    """
    boot = host.get(persisted_sysctl, KEY)
    at_boot = (
        () if boot is None else (Evidence(boot.path, boot.line, f"{KEY} = {boot.value}", "1"),)
    )
    fix = set_sysctl(host, KEY, "1")
    if host.source.kind == "root":
        if boot is None:
            raise NotApplicable(f"no file of this tree sets {KEY}")
        if boot.value == "0":
            yield Fail(f"{boot.path}:{boot.line} sets {KEY} to 0", *at_boot, fix=fix)
        else:
            yield Pass(f"{boot.path} sets {KEY} to {boot.value}", *at_boot)
        return
    value = host.get(sysctl, KEY)
    if value is None:
        yield Pass("this kernel has no switch against it", Evidence(PATH, None, "does not exist"))
        return
    here = Evidence(PATH, None, value, "1")
    if value == "0":
        yield Fail(
            f"{KEY} is 0: only root may make user namespaces",
            here,
            *(at_boot if boot is not None and boot.value == "0" else ()),
            fix=fix,
        )
        return
    yield Pass(f"{KEY} is {value}", here)
    if boot is not None and boot.value == "0":
        yield Fail(
            f"{KEY} is {value} now, and {boot.path}:{boot.line} sets it to 0 at boot",
            *at_boot,
            subject="after the next boot",
            fix=fix,
            level=Level.DEGRADED,
            stages=(),
        )
