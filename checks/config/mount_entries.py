from collections.abc import Iterator
from shlex import quote

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
    Fix,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)

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
            yield Fail(f"{line.value} {why}", seen, subject="lxc.mount.fstab")
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
    unknown = source = target = ""
    if one.is_bind:
        source, unknown = bind_source(host, one)
    else:
        source, unknown = file_system(host, one)
    if not source:
        target, also_unknown = target_missing(host, one, before)
        unknown = unknown or also_unknown
    why = source or target
    if why:
        return Fail(f"{one.text[:80]}: {why}", seen, subject=subject, fix=cure(one, target))
    if unknown:
        return Undecided(f"{one.text[:80]}: {unknown}", seen, subject=subject)
    return Pass(f"{one.text[:80]} can be mounted", seen, subject=subject)


def cure(one: MountEntry, target: str) -> Fix:
    """What to write instead."""
    if target:
        title = f"let LXC make {one.target}: add create=dir (or create=file) to the options"
    else:
        title = "correct the line, remove it, or add `optional` to its options"
    return Fix("mount_entry", title, (f"${{EDITOR:-vi}} +{one.line} {quote(one.file)}",), ("user",))


def bind_source(host: Host, one: MountEntry) -> tuple[str, str]:
    """(why the source cannot be bound, why that is not known)."""
    if one.has("idmap"):
        return "an id-mapped mount needs root of the host's user namespace", ""
    if one.has("relative"):
        return "", ""
    if not one.source.startswith("/"):
        return "", f"{one.source} is relative to a directory that is not known"
    crosser = host.get(container_crosser)
    if crosser is None:
        return "", ""  # without a mapped root nothing starts: idmap.container_root says so
    way = host.get(walk, one.source)
    parent = way.steps if way.missing or way.closed else way.steps[:-1]
    for obstacle in traversal(host, parent[-1].path, crosser) if parent else ():
        return f"the container's root cannot pass {obstacle.step.path}: {obstacle.reason}", ""
    if way.missing:
        return f"{one.source} does not exist", ""
    inner = () if one.is_recursive or host.source.kind == "root" else submounts(host, way.here)
    if inner:
        return f"{inner[0]} is mounted below {one.source}, which takes rbind in place of bind", ""
    return "", ""


def file_system(host: Host, one: MountEntry) -> tuple[str, str]:
    """(why the type cannot be mounted in a user namespace, why that is not known)."""
    if not one.fstype or one.fstype == "none":
        return "it has neither a file system type nor the option bind", ""
    if one.fstype in DEPENDS or one.fstype.startswith("fuse."):
        return "", f"whether {one.fstype} can be mounted takes a try"
    since = MOUNTABLE.get(one.fstype)
    if since is None:
        return f"only root of the host may mount {one.fstype}: mount it on the host and bind it", ""
    if host.get(release)[:2] < since:
        return f"user namespaces may mount {one.fstype} since Linux {since[0]}.{since[1]}", ""
    if one.fstype == "sysfs" and one.target.strip("/") == "sys" and "sys" in host.get(auto_mounts):
        return "lxc.mount.auto has mounted /sys already", ""
    return "", ""


def target_missing(host: Host, one: MountEntry, before: tuple[MountEntry, ...]) -> tuple[str, str]:
    """(why there is nothing to mount on, why that is not known)."""
    name = one.target.strip("/")
    if one.target.startswith("/"):
        root = host.get(rootfs)
        if root is None or root.path not in one.target:
            return "", ""  # LXC ignores an absolute target outside its root file system
        name = one.target.partition(root.path)[2].strip("/")
    if name.startswith(("proc/", "sys/")):
        gone = host.lstat(f"/{name}") is None
        return (f"there is no /{name}, and nothing can be made there", "") if gone else ("", "")
    if one.has("create") or not name:
        return "", ""
    other = next((o for o in reversed(before) if within(name, o.target.strip("/"))), None)
    if other is not None and (other.target.strip("/") == name or other.has("create")):
        return "", ""
    if other is not None:
        return "", f"{name} lies in another mount"
    if name.startswith("dev/") and host.get(has_own_dev):
        made = name == "dev/pts"
        return ("", "") if made else (f"LXC makes no /{name}: add create=dir or create=file", "")
    if host.request.container is not None:
        return in_container(host, one, name)
    known = DIRECTORIES.get(host.get(template) or "", set())
    if name in known:
        return directory_for(host, one, name)
    if host.get(template) == "busybox":
        return f"a busybox container has no /{name}, and the line has no create=dir", ""
    return "", f"whether the image will have /{name} is not known: create=dir would make sure"


def within(name: str, target: str) -> bool:
    """Whether one target is another, or a directory on the way to it, or lies in it."""
    return name == target or name.startswith(target + "/") or target.startswith(name + "/")


def has_own_dev(host: Host) -> bool:
    """With lxc.autodev /dev is an empty tmpfs when the entries are mounted."""
    own = number(host.get(container_config).get("lxc.autodev") or "1") != 0
    return own or host.get(template) == "busybox"


def in_container(host: Host, one: MountEntry, name: str) -> tuple[str, str]:
    """A target in the root file system that is there already."""
    found = host.get(inside, f"/{name}")
    if found is None:
        return f"the container has no /{name}, and the line has no create=dir or create=file", ""
    if found.stat.kind == "directory":
        return directory_for(host, one, name)
    source = host.stat(one.source) if one.is_bind and one.source.startswith("/") else None
    if source is not None and source.kind == "directory":
        return f"/{name} of the container is a {found.stat.kind}, {one.source} a directory", ""
    return "", ""


def directory_for(host: Host, one: MountEntry, name: str) -> tuple[str, str]:
    """A directory takes a directory; a bound file needs a file."""
    if not one.is_bind or not one.source.startswith("/"):
        return "", ""
    source = host.stat(one.source)
    if source is not None and source.kind != "directory":
        return f"{one.source} is a {source.kind}, and /{name} of the container a directory", ""
    return "", ""
