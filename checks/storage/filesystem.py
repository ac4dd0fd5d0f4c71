from collections.abc import Iterator

from audit.facts.mounts import Mount, mounts_file
from audit.facts.places import storage_mount, storage_path
from audit.host import Host
from audit.model import (
    CREATE,
    EVERYTHING,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    Pass,
    Undecided,
    Unknown,
    check,
)
from checks.probe.operations import shown, tried
from remediations.lxcpath import by_hand, elsewhere

# They keep no owner per file, or one that the server makes up.
NO_OWNERS = {
    "vfat": "FAT keeps no owners",
    "msdos": "FAT keeps no owners",
    "exfat": "exFAT keeps no owners",
    "ntfs": "this NTFS driver keeps no owners",
    "cifs": "the server keeps no owners of this host",
    "smb3": "the server keeps no owners of this host",
    "vboxsf": "VirtualBox shared folders keep no owners",
    "prl_fs": "Parallels shared folders keep no owners",
    "hfs": "HFS keeps no owners",
    "drvfs": "Windows drives keep no owners",
}
# Whether chown works there is up to a daemon or another machine.
REMOTE = {
    "9p",
    "afs",
    "coda",
}


@check(
    "The file system of the containers keeps foreign owners and lets container root in",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("host.user",),
)
def filesystem(host: Host) -> Iterator[Finding]:
    """lxc-create gives files to the container's ids, which other file systems than local ones
    refuse or forget.

    NFS answers chown for an unprivileged id with EPERM, because the server knows nothing of user
    namespaces. FAT, CIFS and shared folders of virtual machines have no owners. A FUSE mount
    without allow_other lets in nobody but its maker, and a FUSE daemon that runs as a user cannot
    give files away. ext4, xfs, btrfs, f2fs, zfs, tmpfs and overlayfs are fine.

    Why: "Failed to chown rootfs", "Failed to fchown(4((null)), -1, 1001)", "Failed to open
    ".../rootfs""
    See: fuse(8), user_namespaces(7), mount_setattr(2)
    """
    mount = host.get(storage_mount)
    if mount is None:
        raise Unknown(f"no mount in {host.get(mounts_file)} holds {host.get(storage_path)}")
    seen = Evidence(
        host.get(mounts_file),
        mount.line or None,
        f"{mount.point} {mount.fstype} {','.join(sorted(mount.flags | mount.options))}"[:200],
        "a local file system with owners",
    )
    where = f"{host.get(storage_path)} is on {mount.fstype} ({mount.point})"
    if mount.fstype in NO_OWNERS:
        yield Fail(f"{where}: {NO_OWNERS[mount.fstype]}", seen, fix=_cure(host))
    elif mount.fstype.startswith("nfs"):
        yield Fail(
            f"{where}: the server refuses to give files to subordinate ids",
            seen,
            fix=_cure(host),
            stages=(CREATE,),
        )
    elif mount.fstype.startswith("fuse") and (why := _fuse(mount)):
        yield Fail(f"{where}: {why}", seen, fix=_cure(host))
    elif mount.fstype in REMOTE or mount.fstype.startswith("fuse"):
        yield _by_trying(host, where, seen)
    elif "idmapped" in mount.flags:
        yield Undecided(
            f"{where}, mounted with an id map (systemd-homed does that): whether it has the"
            " container's ids cannot be seen; lxc.lxcpath outside this home avoids the question",
            seen,
        )
    else:
        yield Pass(where, seen)


def _by_trying(host: Host, where: str, seen: Evidence) -> Finding:
    """A daemon or another machine decides, and may refuse chown, or forget it: then the template
    works, and its files are not the container's.
    """
    result = tried(host, "chown")
    if result is None or not (result["ok"] or str(result.get("step")).startswith("chown")):
        return Undecided(f"{where}: whether chown works there takes a try (--probe)", seen)
    if result["ok"]:
        return Pass(f"{where}, where chown works", seen)
    forgets = not result.get("errno")
    return Fail(
        f"{where}: {shown(result)}", seen, fix=_cure(host), stages=STARTING if forgets else None
    )


def _fuse(mount: Mount) -> str:
    if "allow_other" not in mount.options:
        return "mounted without allow_other, it lets in nobody but the user who mounted it"
    if not any(option == "user_id=0" for option in mount.options):
        return "its daemon runs as a user, who cannot give files to the container's ids"
    return ""


def _cure(host: Host) -> Fix:
    return elsewhere(host) or by_hand(host)
