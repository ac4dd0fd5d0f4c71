from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.configsyntax import number
from audit.facts.guest import inside, rootfs
from audit.facts.kernel import release
from audit.facts.mountentries import (
    MountEntry,
    fstab,
    fstab_entries,
    mount_entries,
    submounts,
    tunnels,
)
from audit.facts.paths import container_crosser, traversal, walk
from audit.facts.userfiles import Denied
from audit.facts.wanted import auto_mounts, template
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)
from audit.records import NamedTuple
from remediations.config import leave_out
from remediations.mount_entries import CREATE, LEAVE_OUT, OPEN, OPTIONAL, RBIND, correct

# What a user namespace may mount (FS_USERNS_MOUNT in the kernel's fs/), and since which release.
MOUNTABLE: dict[str, tuple[int, ...]] = {
    "cgroup": (4, 6),
    "cgroup2": (4, 6),
    "devpts": (3, 8),
    "mqueue": (3, 8),
    "proc": (3, 8),
    "ramfs": (3, 8),
    "sysfs": (3, 8),
    "tmpfs": (3, 8),
}
# Whether these can be mounted depends on more than the line says.
DEPENDS = ("overlay", "overlayfs", "fuse", "fuseblk", "bpf", "binfmt_misc", "erofs")
# Directories of a new root file system, by template: what the script of busybox makes, and what
# every distribution has.
# fmt: off
DIRECTORIES = {
    "busybox": {
        "selinux", "dev", "home", "root", "etc", "etc/init.d", "bin", "usr", "usr/bin", "sbin",
        "usr/sbin", "proc", "sys", "mnt", "tmp", "var", "var/log", "var/run", "dev/pts", "lib",
        "usr/lib", "lib64", "usr/lib64",
    },
    "download": {
        "dev", "home", "root", "etc", "bin", "usr", "usr/bin", "sbin", "usr/sbin", "proc", "sys",
        "mnt", "tmp", "var", "opt", "srv", "run",
    },
}
# fmt: on


class Why(NamedTuple):
    """Why a line cannot be mounted, else why that is not known; and a way to change it."""

    text: str = ""
    unknown: str = ""
    way: str = ""


FINE = Why()


@check(
    "Everything that the config mounts into the container can be mounted",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def mount_points(host: Host) -> Iterator[Finding]:
    """Each lxc.mount.entry, and each line of lxc.mount.fstab, has a source, a target and a type
    that a user namespace may mount.

    Container root gets to the source with nothing but its host uid. Block devices, and file systems
    such as ext4, are for root only: mount them on the host and bind them. A bind of a directory
    with mounts below it needs `rbind`. A missing target needs `create=dir` or `create=file`.
    `optional` lets a start go on without the mount.

    Why: "No such file or directory - Failed to mount "/srv/nope" onto ...", "Operation not
    permitted - Failed to mount "/dev/vda""
    See: lxc.container.conf(5) "MOUNT POINTS", mount_namespaces(7), LXC src/lxc/conf.c (mount_entry)
    """
    line = host.get(fstab)
    entries = (*host.get(tunnels), *host.get(mount_entries))
    listed = host.get(fstab_entries)
    if line is None and not entries:
        raise NotApplicable("the config mounts nothing of its own")
    if line is not None:
        seen = Evidence(line.file, line.line, line.text, "a file that the user can read")
        if listed is None or isinstance(listed, Denied):
            why = "does not exist" if listed is None else "cannot be read by the user"
            fix = leave_out(host, line) if listed is None else None
            yield Fail(f"{line.value} {why}", seen, subject="lxc.mount.fstab", fix=fix)
        else:
            yield Pass(f"{line.value} can be read", seen, subject="lxc.mount.fstab")
            entries = (*listed, *entries)
    for place, one in enumerate(entries):
        yield judge(host, one, entries[:place])


def judge(host: Host, one: MountEntry, before: tuple[MountEntry, ...]) -> Finding:
    """One line. What is optional is never in the way."""
    seen = Evidence(one.file, one.line, one.text[:200])
    subject = one.target or one.text[:60]
    if one.has("optional"):
        return Pass(f"{one.text[:80]} is optional", seen, subject=subject)
    why = bind_source(host, one) if one.is_bind else file_system(host, one)
    if not why.text:
        target = target_missing(host, one, before)
        why = target._replace(unknown=why.unknown or target.unknown)
    if why.text:
        fix = correct(host, one, why.way)
        return Fail(f"{one.text[:80]}: {why.text}", seen, subject=subject, fix=fix)
    if why.unknown:
        return Undecided(f"{one.text[:80]}: {why.unknown}", seen, subject=subject)
    return Pass(f"{one.text[:80]} can be mounted", seen, subject=subject)


def bind_source(host: Host, one: MountEntry) -> Why:
    """Why the source cannot be bound."""
    if one.has("idmap"):
        return Why("an id-mapped mount needs root of the host's user namespace", "", OPTIONAL)
    if one.has("relative"):
        return FINE
    if not one.source.startswith("/"):
        return Why("", f"{one.source} is relative to a directory that is not known")
    crosser = host.get(container_crosser)
    if crosser is None:
        return FINE  # without a mapped root nothing starts: idmap.container_root says so
    way = host.get(walk, one.source)
    parent = way.steps if way.missing or way.closed else way.steps[:-1]
    for obstacle in traversal(host, parent[-1].path, crosser) if parent else ():
        why = f"the container's root cannot pass {obstacle.step.path}: {obstacle.reason}"
        return Why(why, "", OPEN)
    if way.missing:
        return Why(f"{one.source} does not exist", "", OPTIONAL)
    inner = () if one.is_recursive or host.source.kind == "root" else submounts(host, way.here)
    if inner:
        why = f"{inner[0]} is mounted below {one.source}, which takes rbind in place of bind"
        return Why(why, "", RBIND)
    return FINE


def file_system(host: Host, one: MountEntry) -> Why:
    """Why the type cannot be mounted in a user namespace."""
    if not one.fstype or one.fstype == "none":
        return Why("it has neither a file system type nor the option bind")
    if one.fstype in DEPENDS or one.fstype.startswith("fuse."):
        return Why("", f"whether {one.fstype} can be mounted takes a try")
    since = MOUNTABLE.get(one.fstype)
    if since is None:
        why = f"only root of the host may mount {one.fstype}: mount it on the host and bind it"
        return Why(why, "", OPTIONAL)
    if host.get(release)[:2] < since:
        why = f"user namespaces may mount {one.fstype} since Linux {since[0]}.{since[1]}"
        return Why(why, "", OPTIONAL)
    if one.fstype == "sysfs" and one.target.strip("/") == "sys" and "sys" in host.get(auto_mounts):
        return Why("lxc.mount.auto has mounted /sys already", "", LEAVE_OUT)
    return FINE


def target_missing(host: Host, one: MountEntry, before: tuple[MountEntry, ...]) -> Why:
    """Why there is nothing to mount on."""
    name = one.target.strip("/")
    if one.target.startswith("/"):
        root = host.get(rootfs)
        if root is None or root.path not in one.target:
            return FINE  # LXC ignores an absolute target outside its root file system
        name = one.target.partition(root.path)[2].strip("/")
    if name.startswith(("proc/", "sys/")):
        gone = host.lstat(f"/{name}") is None
        why = f"there is no /{name}, and nothing can be made there"
        return Why(why, "", OPTIONAL) if gone else FINE
    if one.has("create") or not name:
        return FINE
    other = next((o for o in reversed(before) if within(name, o.target.strip("/"))), None)
    if other is not None and (other.target.strip("/") == name or other.has("create")):
        return FINE
    if other is not None:
        return Why("", f"{name} lies in another mount")
    if name.startswith("dev/") and host.get(has_own_dev):
        made = name == "dev/pts"
        why = f"LXC makes no /{name}: add create=dir or create=file"
        return FINE if made else Why(why, "", CREATE)
    if host.request.container is not None:
        return in_container(host, one, name)
    known = DIRECTORIES.get(host.get(template) or "", set())
    if name in known:
        return directory_for(host, one, name)
    if host.get(template) == "busybox":
        why = f"a busybox container has no /{name}, and the line has no create=dir"
        return Why(why, "", CREATE)
    return Why("", f"whether the image will have /{name} is not known: create=dir would make sure")


def within(name: str, target: str) -> bool:
    """Whether one target is another, or a directory on the way to it, or lies in it."""
    return name == target or name.startswith(target + "/") or target.startswith(name + "/")


def has_own_dev(host: Host) -> bool:
    """With lxc.autodev /dev is an empty tmpfs when the entries are mounted."""
    own = number(host.get(container_config).get("lxc.autodev") or "1") != 0
    return own or host.get(template) == "busybox"


def in_container(host: Host, one: MountEntry, name: str) -> Why:
    """A target in the root file system that is there already."""
    found = host.get(inside, f"/{name}")
    if found is None:
        why = f"the container has no /{name}, and the line has no create=dir or create=file"
        return Why(why, "", CREATE)
    if found.stat.kind == "directory":
        return directory_for(host, one, name)
    source = host.stat(one.source) if one.is_bind and one.source.startswith("/") else None
    if source is not None and source.kind == "directory":
        return Why(f"/{name} of the container is a {found.stat.kind}, {one.source} a directory")
    return FINE


def directory_for(host: Host, one: MountEntry, name: str) -> Why:
    """A directory takes a directory; a bound file needs a file."""
    if not one.is_bind or not one.source.startswith("/"):
        return FINE
    source = host.stat(one.source)
    if source is not None and source.kind != "directory":
        return Why(f"{one.source} is a {source.kind}, and /{name} of the container a directory")
    return FINE
