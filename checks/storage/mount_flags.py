"""Options of the mount that holds the container's files."""

from collections.abc import Iterator

from audit.facts.lxcconf import lxcpath
from audit.facts.mounts import Mount, mounts_file
from audit.facts.places import storage_mount, storage_path
from audit.host import Host
from audit.model import (
    STARTING,
    Check,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    Pass,
    Unknown,
)
from remediations.actions import ROOT, Manual
from remediations.lxcpath import elsewhere
from remediations.mounts import without
from remediations.typed import steps


def _mount(host: Host) -> Mount:
    mount = host.get(storage_mount)
    if mount is None:
        raise Unknown(f"no mount in {host.get(mounts_file)} holds {host.get(storage_path)}")
    return mount


def _seen(host: Host, mount: Mount, expected: str) -> Evidence:
    flags = f"{mount.point} {','.join(sorted(mount.flags))}"
    return Evidence(host.get(mounts_file), mount.line or None, flags, expected)


def _cure(host: Host, mount: Mount, flag: str) -> Fix:
    """Somebody may have meant the flags of a mount that holds more than containers: as long as
    there are none, they are kept elsewhere.
    """
    if f"{mount.point}/".startswith(f"{host.get(lxcpath)}/"):
        return without(host, mount, *(one for one in ("noexec", "nosuid") if one in mount.flags))
    moved = elsewhere(host)
    if moved is not None:
        return moved
    fix = without(host, mount, flag)
    return fix if flag == "noexec" else fix._replace(actions=(Manual(steps(fix), ROOT),))


def noexec(host: Host) -> Iterator[Finding]:
    """Programs in the rootfs can be executed: its mount has no noexec.

    The rootfs is bound into the container with the flags of the mount it lies on. lxc-create does
    not notice.

    Why: "Permission denied - Failed to exec "/sbin/init""
    See: mount(8); CIS and STIG ask for noexec on /home, which then needs lxc.lxcpath elsewhere
    """
    mount = _mount(host)
    if "noexec" in mount.flags:
        yield Fail(
            f"{host.get(storage_path)} is on {mount.point}, mounted noexec: no init can run there",
            _seen(host, mount, "no noexec"),
            fix=_cure(host, mount, "noexec"),
        )
    else:
        yield Pass(f"{mount.point} allows executing", _seen(host, mount, "no noexec"))


def nosuid(host: Host) -> Iterator[Finding]:
    """Set-user-id programs in the container work: its mount has no nosuid.

    Containers start all the same; su, sudo and ping inside lose their privilege.

    Why: "sudo: effective uid is not 0, is sudo installed setuid root?" inside the container
    See: mount(8)
    """
    mount = _mount(host)
    if "nosuid" in mount.flags:
        yield Fail(
            f"{host.get(storage_path)} is on {mount.point}, mounted nosuid:"
            " su, sudo and ping lose their privilege inside",
            _seen(host, mount, "no nosuid"),
            fix=_cure(host, mount, "nosuid"),
        )
    else:
        yield Pass(f"{mount.point} honours set-user-id", _seen(host, mount, "no nosuid"))


CHECKS = (
    Check(
        "storage.noexec",
        "The container's files are not on a noexec mount",
        Level.BLOCKING,
        noexec,
        noexec.__doc__ or "",
        STARTING,
        ("host.user",),
    ),
    Check(
        "storage.nosuid",
        "The container's files are not on a nosuid mount",
        Level.DEGRADED,
        nosuid,
        nosuid.__doc__ or "",
        (),
        ("host.user",),
    ),
)
