"""How many namespaces a user may have: one row for each /proc/sys/user/max_*_namespaces.

The limit is per user, and counts what that user's processes have made. What 0 stops was tried with
LXC 5.0.2: user and mount namespaces are made by lxc-create as well, the others by lxc-start only,
and time namespaces by neither. A start needs a few user namespaces more than it keeps, and the
kernel frees them a moment late."""

from __future__ import annotations

from collections.abc import Iterator

from audit.facts.sysctl import Setting, persisted_sysctl, sysctl
from audit.facts.wanted import own_namespaces
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
    Undecided,
    Unknown,
)
from audit.records import NamedTuple
from remediations.distro import sysctl as set_sysctl


class Row(NamedTuple):
    """`too_few`: the largest value that always fails; `tight`: the largest whose outcome depends on
    what runs.
    """

    kind: str
    name: str
    stages: tuple[Stage, ...]
    too_few: int
    tight: int
    says: str


SPACE = "No space left on device"
ROWS = (
    # 2 was seen to be enough on a busy machine: the moments in which LXC has several at once did
    # not meet. 1 cannot be: the container's own and the one that sets it up are there together.
    Row("user", "user", EVERYTHING, 1, 6, "Failed to unshare new user namespace"),
    Row("mnt", "mount", EVERYTHING, 1, 4, "Failed to clone a new set of namespaces"),
    Row("pid", "process id", STARTING, 0, 2, "Failed to clone a new set of namespaces"),
    Row("uts", "host name (UTS)", STARTING, 0, 2, "Failed to clone a new set of namespaces"),
    Row("ipc", "IPC", STARTING, 0, 2, "Failed to clone a new set of namespaces"),
    Row("net", "network", STARTING, 0, 2, "Failed to unshare CLONE_NEWNET"),
    Row("cgroup", "cgroup", STARTING, 0, 2, "Failed to unshare CLONE_NEWCGROUP"),
)
PLENTY = 28633  # what Docker's set-up tool asks for; kernels default to half of threads-max


def _is_wanted(row: Row, host: Host) -> bool:
    if row.kind == "user":
        return True
    if row.kind == "mnt" and host.request.container is None:
        return True  # the template runs in a mount namespace of its own
    return row.kind in host.get(own_namespaces)


def _judge(row: Row) -> Judge:
    key = f"user.max_{row.kind}_namespaces"
    path = f"/proc/sys/user/max_{row.kind}_namespaces"

    def judge(host: Host) -> Iterator[Finding]:
        if not _is_wanted(row, host):
            raise NotApplicable(f"the config asks for no {row.name} namespace of its own")
        boot = host.get(persisted_sysctl, key)
        text = boot.value if boot is not None else None
        if host.source.kind != "root":
            text = host.get(sysctl, key)
        if text is None:
            yield Pass(f"nothing sets {key}: the kernel's own limit is large", Evidence(path))
            return
        if not (text.isascii() and text.isdigit()):
            raise Unknown(f"{key} is {text!r}, which is no number")
        value = int(text)
        here = _evidence(host, path, text, row, boot)
        fix = set_sysctl(host, key, str(PLENTY))
        if value <= row.too_few:
            yield Fail(
                f"{key} is {value}: LXC needs more {row.name} namespaces than that", *here, fix=fix
            )
        elif value <= row.tight:
            yield Undecided(
                f"{key} is {value}: enough or not, depending on what else this user runs", *here
            )
        else:
            yield Pass(f"{key} is {value}", *here)
        if host.source.kind != "root" and boot is not None and boot.value.isdecimal():
            later = int(boot.value)
            if later <= row.too_few < value:
                yield Fail(
                    f"{key} is {value} now, and {boot.path}:{boot.line} sets it to {later} at boot",
                    Evidence(boot.path, boot.line, f"{key} = {later}", f"{PLENTY}"),
                    subject="after the next boot",
                    fix=fix,
                    level=Level.DEGRADED,
                    stages=(),
                )

    return judge


def _evidence(
    host: Host, path: str, text: str, row: Row, boot: Setting | None
) -> tuple[Evidence, ...]:
    enough = f"more than {row.tight}"
    found: list[Evidence] = []
    if host.source.kind != "root":
        found.append(Evidence(path, None, text, enough))
    if boot is not None and boot.value == text:
        found.append(Evidence(boot.path, boot.line, f"{boot.key} = {boot.value}", enough))
    return tuple(found)


def _check(row: Row) -> Check:
    title = f"A user may have {row.name} namespaces"
    doc = f"""{title}: user.max_{row.kind}_namespaces leaves room for what LXC makes.

    Hardening guides set user.max_user_namespaces to 0; the line that does it is named. Zero and
    very small values fail at once, somewhat larger ones depend on what else the user has running.

    Why: "{SPACE} - {row.says}"
    See: namespaces(7) "/proc/sys/user", LXC issue 4586
    """
    after = ("kernel.kconfig.user_ns",) if row.kind == "user" else ()
    return Check(
        f"userns.limits.{row.kind}", title, Level.BLOCKING, _judge(row), doc, row.stages, after
    )


CHECKS = tuple(_check(row) for row in ROWS)
