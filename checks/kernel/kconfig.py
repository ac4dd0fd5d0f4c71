"""Build options without which no unprivileged container runs: one row each.

The running kernel's own answer comes first (a file that only exists with the option), the build
configuration second: a configuration in /usr/src may be of another kernel, and many kernels come
without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.facts.kconfig import is_known_to, kconfig
from audit.host import Host
from audit.model import (
    EVERYTHING,
    STARTING,
    Check,
    Evidence,
    Fail,
    Finding,
    Judge,
    Level,
    NotApplicable,
    Pass,
    Stage,
    Unknown,
)
from audit.records import NamedTuple
from remediations.distro import kernel_option


class Row(NamedTuple):
    """An option and how the running kernel shows that it has it: a path, or a word in a file."""

    key: str
    option: str
    title: str
    without: str  # what LXC says without it
    stages: tuple[Stage, ...]
    shown: Callable[[Host], bool | None]
    where: str


def path_exists(path: str) -> Callable[[Host], bool | None]:
    """Shown by a path in /proc; undecided (None) where /proc itself is not there."""

    def look(host: Host) -> bool | None:
        if host.lstat(path) is not None:
            return True
        return False if host.lstat("/proc/self/ns") is not None else None

    return look


def filesystem(name: str) -> Callable[[Host], bool | None]:
    """Shown by a line of /proc/filesystems. A module that is not loaded yet is not in it: absence
    says nothing.
    """

    def look(host: Host) -> bool | None:
        found = host.search("/proc/filesystems", rf"(?m)^(?:nodev)?\t({name})$")
        return True if found else None

    return look


def _ns(key: str, name: str, without: str) -> Row:
    return Row(
        f"{key}_ns",
        f"{key.upper()}_NS",
        f"The kernel has {name} namespaces",
        without,
        EVERYTHING if key == "user" else STARTING,
        path_exists(f"/proc/self/ns/{key}"),
        f"/proc/self/ns/{key}",
    )


CLONE = "Invalid argument - Failed to clone a new set of namespaces"
ROWS = (
    _ns("user", "user", "Invalid argument - Failed to unshare new user namespace"),
    _ns("uts", "host name (UTS)", CLONE),
    _ns("ipc", "IPC", CLONE),
    _ns("pid", "process id", CLONE),
    _ns("net", "network", "Failed to unshare CLONE_NEWNET"),
    Row(
        "cgroups",
        "CGROUPS",
        "The kernel has control groups",
        "Failed to initialize cgroup driver",
        STARTING,
        path_exists("/proc/self/cgroup"),
        "/proc/self/cgroup",
    ),
    Row(
        "proc_fs",
        "PROC_FS",
        "The kernel has /proc",
        'Failed to mount "proc"',
        STARTING,
        filesystem("proc"),
        "/proc/filesystems",
    ),
    Row(
        "sysfs",
        "SYSFS",
        "The kernel has sysfs",
        'Failed to mount "sysfs"',
        STARTING,
        filesystem("sysfs"),
        "/proc/filesystems",
    ),
    Row(
        "tmpfs",
        "TMPFS",
        "The kernel has tmpfs",
        'Failed to mount "/dev"',
        STARTING,
        filesystem("tmpfs"),
        "/proc/filesystems",
    ),
    Row(
        "unix98_ptys",
        "UNIX98_PTYS",
        "The kernel has pseudoterminals",
        "Failed to allocate console",
        STARTING,
        filesystem("devpts"),
        "/proc/filesystems",
    ),
    Row(
        "devpts_instances",
        "DEVPTS_MULTIPLE_INSTANCES",
        "Each container has its own pseudoterminals",
        "Failed to mount new devpts instance",
        STARTING,
        lambda host: None,
        "",
    ),
)


def _judge(row: Row) -> Judge:
    def judge(host: Host) -> Iterator[Finding]:
        if host.source.kind != "root" and (shown := row.shown(host)) is not None:
            if shown:
                yield Pass(f"{row.where} is there", Evidence(row.where, None, "exists"))
            else:
                yield Fail(
                    f"this kernel was built without CONFIG_{row.option} ({row.where} is missing)",
                    Evidence(row.where, None, "does not exist", f"CONFIG_{row.option}=y"),
                    fix=kernel_option(host, row.option),
                )
            return
        if not host.get(is_known_to, row.option):
            raise NotApplicable(f"kernels of this release have no CONFIG_{row.option} to choose")
        config = host.get(kconfig)
        number, value = config.entry(row.option) or (None, "n")
        seen = Evidence(config.path, number, config.line(row.option), f"CONFIG_{row.option}=y")
        if value == "y":
            yield Pass(f"built with CONFIG_{row.option}", seen)
        elif not config.exact:
            raise Unknown(
                f"{config.path} says {config.line(row.option)}, and may be of another kernel"
            )
        else:
            yield Fail(
                f"this kernel was built without CONFIG_{row.option}",
                seen,
                fix=kernel_option(host, row.option),
            )

    return judge


def _doc(row: Row) -> str:
    return f"""{row.title}.

    Built in by CONFIG_{row.option}. Distribution kernels have it; it is missing in kernels that
    somebody configured by hand.

    Why: "{row.without}"
    See: lxc-checkconfig(1), namespaces(7)
    """


def _check(row: Row) -> Check:
    after = () if row.key == "user_ns" else ("kernel.release",)
    return Check(
        f"kernel.kconfig.{row.key}",
        row.title,
        Level.BLOCKING,
        _judge(row),
        _doc(row),
        row.stages,
        after,
    )


CHECKS = tuple(_check(row) for row in ROWS)
