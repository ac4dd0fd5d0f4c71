"""The container's own /proc and /sys: does the kernel let it mount them?"""

from __future__ import annotations

from collections.abc import Iterator

from audit.facts.mounts import mounts_file
from audit.facts.visible import Obstacle, view
from audit.facts.wanted import auto_mounts
from audit.host import Host
from audit.model import (
    STARTING,
    Check,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    Unknown,
)
from remediations.mounts import kernels, read_write, relatime, uncover


def proc(host: Host) -> Iterator[Finding]:
    """The container can mount a fresh /proc.

    The kernel refuses one in a user namespace unless the host shows a /proc that nothing covers: no
    mask of a container runtime (/proc/kcore, /proc/sys read-only), no ProtectKernelTunables=, no
    noatime. LXC needs its own /proc for every container, with or without lxc.mount.auto.

    Why: "Operation not permitted - Failed to mount "proc" onto ".../proc""
    See: kernel fs/namespace.c (mount_too_revealing), LXC config/templates/nesting.conf.in
    """
    yield from _judge(host, "proc", "/proc", read_only=False)


def sys(host: Host) -> Iterator[Finding]:
    """The container can mount a fresh /sys, if its config asks for one.

    The same rule as for /proc. A host /sys that is read-only itself is fine for `sys:ro` (what the
    busybox template asks for) and fatal for `sys:mixed` and `sys:rw` (userns.conf, so every
    downloaded image).

    Why: "Operation not permitted - Failed to mount "sysfs" onto ".../sys""
    See: kernel fs/namespace.c (mount_too_revealing), lxc.container.conf(5) lxc.mount.auto
    """
    mode = host.get(auto_mounts).get("sys")
    if mode is None:
        raise NotApplicable("the config mounts no /sys by lxc.mount.auto")
    yield from _judge(host, "sysfs", "/sys", read_only=mode == "ro")


def _judge(host: Host, fstype: str, place: str, *, read_only: bool) -> Iterator[Finding]:
    if host.source.kind == "root":
        raise Unknown("a directory tree does not show what is mounted over /proc and /sys")
    found = host.get(view, fstype, read_only)
    file = host.get(mounts_file)
    if found.open is not None:
        seen = Evidence(file, found.open.line, found.open.point)
        yield Pass(f"{found.open.point} is fully visible", seen)
        return
    if not found.obstacles:
        yield Fail(
            f"no {fstype} is mounted: the kernel then lets no container mount one",
            Evidence(file, None, f"no {fstype}", f"{fstype} on {place}"),
            fix=kernels(fstype, place),
        )
        return
    # The last one mounted is on top, and is the one that people see and can cure.
    worst = found.obstacles[-1]
    seen = Evidence(file, worst.mount.line, shown(worst), f"a {place} that nothing covers")
    why = f"{worst.mount.point} ({worst.mount.fstype}) {worst.why}"
    if any(not one.certain for one in found.obstacles):
        yield Undecided(
            f"{why}: whether the kernel lets a container mount {place} takes a try (--probe)", seen
        )
    else:
        # An instance that shows a part stays what it is: another one has to be whole.
        whole = [one for one in found.obstacles if not one.why.startswith("shows only")]
        fix = cure(host, whole[-1]) if whole else kernels(fstype, place)
        yield Fail(f"{why}: the kernel lets no container mount its own {place}", seen, fix=fix)


def shown(obstacle: Obstacle) -> str:
    flags = ",".join(sorted(obstacle.mount.flags))
    return f"{obstacle.mount.point} {flags} - {obstacle.mount.fstype}"


def cure(host: Host, obstacle: Obstacle) -> Fix:
    """Uncover or remount. In a container it is the outer container's config that has to change."""
    mount = obstacle.mount
    if obstacle.why.startswith("covers"):
        return uncover(mount)
    if obstacle.why.startswith("is mounted read-only"):
        return read_write(host, mount)
    return relatime(host, mount)


CHECKS = (
    Check(
        "userns.visible.proc",
        "A container can mount its own /proc",
        Level.BLOCKING,
        proc,
        proc.__doc__ or "",
        STARTING,
        ("userns.proc_writable",),
    ),
    Check(
        "userns.visible.sys",
        "A container can mount its own /sys",
        Level.BLOCKING,
        sys,
        sys.__doc__ or "",
        STARTING,
    ),
)
