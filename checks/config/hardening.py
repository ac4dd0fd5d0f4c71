"""What weakens a container's confinement without being in the way of anything."""

from collections.abc import Callable, Iterator

from audit.facts.accounts import target
from audit.facts.config import SCALARS, Entry, container_config
from audit.facts.configsyntax import number
from audit.facts.mountentries import mount_entries
from audit.facts.wanted import template
from audit.host import Host
from audit.model import (
    Check,
    Evidence,
    Fail,
    Finding,
    Judge,
    Level,
    NotApplicable,
    Pass,
)
from remediations.config import append_fix, leave_out, put
from remediations.config_files import close
from remediations.seccomp import common_policy

IMAGES = ("download", "local", "oci")
# Directories that give the host away to who can write them, or secrets to who can read them.
HOST_PATHS = ("/", "/etc", "/root", "/home", "/boot", "/dev", "/proc", "/sys", "/run", "/var/run")
SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "incus", "lxd", "libvirt")
WIDE_MOUNTS = ("proc:rw", "cgroup:rw:force", "cgroup-full:rw", "cgroup-full:rw:force")


def row(name: str, title: str, level: Level = Level.HARDENING) -> Callable[[Judge], Check]:
    """A check of this table."""
    after = ("lxc.installed", "config.present")
    return lambda judge: Check(
        f"config.{name}", title, level, judge, judge.__doc__ or "", (), after
    )


def shown(entry: Entry, expected: str = "no such line") -> Evidence:
    return Evidence(entry.file, entry.line, entry.text[:200], expected)


@row("capabilities", "The container gives up capabilities that it does not need")
def capabilities(host: Host) -> Iterator[Finding]:
    """lxc.cap.drop or lxc.cap.keep is in force.

    Why: in a user namespace a capability reaches only what the namespace owns, but each one is
    kernel code that the container may call. common.conf drops five; userns.conf clears the list.
    See: capabilities(7), lxc.container.conf(5) "CAPABILITIES", LXC config/templates/userns.conf
    """
    config = host.get(container_config)
    entry = config.last("lxc.cap.drop") or config.last("lxc.cap.keep")
    if entry is not None:
        yield Pass(f"{entry.text} is in force", shown(entry, ""))
    elif host.get(template) == "busybox":
        yield Pass("the busybox template drops four", Evidence(config.path))
    else:
        line = "lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio"
        yield Fail(
            "the container keeps every capability of its user namespace",
            Evidence(config.path, None, "neither lxc.cap.drop nor lxc.cap.keep", line),
            fix=append_fix(host, line),
        )


@row("seccomp_set", "The container runs under a seccomp policy")
def seccomp_set(host: Host) -> Iterator[Finding]:
    """lxc.seccomp.profile names a policy, as common.conf does for every image.

    Why: it keeps module loading, kexec and old handle calls out of reach. The busybox template does
    not set one.
    See: seccomp(2), lxc.container.conf(5) "SECCOMP CONFIGURATION"
    """
    config = host.get(container_config)
    entry = config.last("lxc.seccomp.profile")
    if entry is not None:
        yield Pass(f"{entry.value} is in force", shown(entry, ""))
    elif host.get(template) in IMAGES:
        raise NotApplicable("the config of the image will set one")
    else:
        line = "lxc.seccomp.profile = /usr/share/lxc/config/common.seccomp"
        yield Fail(
            "the container may make every system call",
            Evidence(config.path, None, "no lxc.seccomp.profile", line),
            fix=common_policy(host),
        )


@row("nesting", "The config does not loosen the container for nesting")
def nesting(host: Host) -> Iterator[Finding]:
    """nesting.conf is not included, and neither AppArmor nor seccomp is told to allow nesting.

    Why: containers inside the container need a looser profile, and a second /proc and /sys that no
    profile covers.
    See: lxc.container.conf(5) "lxc.apparmor.allow_nesting", LXC config/templates/nesting.conf
    """
    config = host.get(container_config)
    found = [
        entry
        for entry in (
            config.last("lxc.apparmor.allow_nesting"),
            config.last("lxc.seccomp.allow_nesting"),
        )
        if entry is not None and number(entry.value) == 1
    ]
    found += [entry for entry in config.all("lxc.include") if entry.value.endswith("/nesting.conf")]
    for entry in found:
        yield Fail(
            f"{entry.text} loosens the container's confinement",
            shown(entry),
            fix=leave_out(host, entry),
        )
    if not found:
        yield Pass("nothing allows nesting", Evidence(config.path))


@row("apparmor_incomplete", "The container does not run with incomplete AppArmor mediation")
def apparmor_incomplete(host: Host) -> Iterator[Finding]:
    """lxc.apparmor.allow_incomplete is unset or 0.

    Why: with 1 LXC starts where the kernel cannot enforce all of the profile.
    See: lxc.container.conf(5) "lxc.apparmor.allow_incomplete"
    """
    config = host.get(container_config)
    entry = config.last("lxc.apparmor.allow_incomplete")
    if entry is not None and number(entry.value) == 1:
        message = "the container starts even where AppArmor mediates half"
        yield Fail(message, shown(entry), fix=leave_out(host, entry))
    else:
        yield Pass("not allowed", Evidence(config.path))


@row("shared_namespaces", "The container shares no namespace with the host")
def shared_namespaces(host: Host) -> Iterator[Finding]:
    """There is no lxc.namespace.keep, no lxc.namespace.share and no network of type none.

    Why: what is shared is not isolated: with the host's IPC namespace its shared memory, with its
    network namespace its abstract sockets.
    See: lxc.container.conf(5) "NAMESPACE", namespaces(7)
    """
    config = host.get(container_config)
    keep = config.last("lxc.namespace.keep")
    found = [*config.below("lxc.namespace.share."), *((keep,) if keep else ())]
    found += [
        entry
        for entry in config.below("lxc.net.")
        if entry.key.endswith(".type") and entry.value == "none"
    ]
    for entry in found:
        yield Fail(f"{entry.text} leaves the container in a namespace of the host", shown(entry))
    if not found:
        yield Pass("every namespace is the container's own", Evidence(config.path))


@row("mounts_host", "The config mounts no part of the host that matters")
def mounts_host(host: Host) -> Iterator[Finding]:
    """No lxc.mount.entry brings the host's system directories, homes or control sockets inside.

    Why: the container's root is an ordinary uid on the host, but who can talk to a container
    manager's socket is root of the host.
    See: lxc.container.conf(5) "MOUNT POINTS"
    """
    entries = [one for one in host.get(mount_entries) if one.is_bind]
    if not entries:
        raise NotApplicable("the config binds nothing")
    bad = 0
    for one in entries:
        source = one.source.rstrip("/") or "/"
        is_socket = any(word in source for word in SOCKETS)
        is_system = source in HOST_PATHS or source.startswith(("/etc/", "/root/", "/run/user"))
        if not (is_socket or (is_system and "ro" not in one.options)):
            continue
        bad += 1
        what = "the socket of a container manager" if is_socket else "a system directory"
        seen = Evidence(one.file, one.line, one.text[:200], "read-only, or no such line")
        yield Fail(f"{source}, {what} of the host, is mounted inside", seen, subject=one.target)
    if not bad:
        yield Pass(f"{len(entries)} binds, none of the host's own files", Evidence(entries[0].file))


@row("mount_auto", "The container's /proc, /sys and cgroups are not mounted wider than needed")
def mount_auto(host: Host) -> Iterator[Finding]:
    """lxc.mount.auto has no proc:rw and no cgroup:rw:force.

    Why: `mixed` leaves /proc/sys read-only except for the container's own network.
    See: lxc.container.conf(5) "lxc.mount.auto"
    """
    entries = host.get(container_config).all("lxc.mount.auto")
    if not entries:
        raise NotApplicable("the config has no lxc.mount.auto")
    wide = [
        (entry, word) for entry in entries for word in entry.value.split() if word in WIDE_MOUNTS
    ]
    for entry, word in wide:
        words = [
            f"{one.partition(':')[0]}:mixed" if one in WIDE_MOUNTS else one
            for one in entry.value.split()
        ]
        yield Fail(
            f"{word} is wider than a container needs",
            shown(entry, "mixed"),
            subject=word,
            fix=put(host, entry, " ".join(words)),
        )
    if not wide:
        yield Pass("nothing is mounted wider than mixed", shown(entries[-1], ""))


@row("files_owner", "Nobody but the user can change the config")
def files_owner(host: Host) -> Iterator[Finding]:
    """The config and what it includes belong to the user or root, and are not writable by others.

    Why: who can write a config can have hooks run as the user on the host.
    See: lxc.container.conf(5) "CONTAINER HOOKS"
    """
    config = host.get(container_config)
    trusted = (0, host.get(target).uid)
    bad = 0
    for path in dict.fromkeys((config.path, *config.includes)):
        stat = host.stat(path)
        if stat is None:
            continue
        mode = f"{stat.mode & 0o7777:04o}, owner {stat.uid}"
        if stat.uid not in trusted or stat.mode & 0o002:
            bad += 1
            who = "everybody" if stat.mode & 0o002 else f"uid {stat.uid}"
            yield Fail(
                f"{path} can be changed by {who}",
                Evidence(path, None, mode, "the user's or root's, not writable by others"),
                subject=path,
                fix=close(host, path, stat),
            )
    if not bad:
        yield Pass("the config is the user's and root's alone", Evidence(config.path))


@row("autodev", "The container gets a /dev of its own", Level.DEGRADED)
def autodev(host: Host) -> Iterator[Finding]:
    """lxc.autodev is not 0.

    A user cannot make device nodes; without autodev the container has no /dev/null.

    Why: "No such file or directory - Can't open /dev/null"
    See: lxc.container.conf(5) "lxc.autodev"
    """
    config = host.get(container_config)
    entry = config.last("lxc.autodev")
    if entry is not None and number(entry.value) == 0 and host.get(template) != "busybox":
        message = "lxc.autodev = 0 leaves the container without devices"
        yield Fail(message, shown(entry), fix=put(host, entry, "1"))
    else:
        yield Pass("LXC fills /dev", Evidence(config.path))


@row("duplicates", "No key of the config is set twice", Level.DEGRADED)
def duplicates(host: Host) -> Iterator[Finding]:
    """A key that holds one value has one line.

    Why: of two the last one counts, silently: the first one may be what was meant.
    See: lxc.container.conf(5)
    """
    config = host.get(container_config)
    first: dict[str, Entry] = {}
    bad: dict[str, Entry] = {}
    for entry in config.live:
        before = first.setdefault(entry.key, entry)
        if entry.key in SCALARS and before.file == entry.file and before.value != entry.value:
            bad[entry.key] = entry
    for key, entry in bad.items():
        earlier = first[key]
        yield Fail(
            f"{key} is set in line {earlier.line} and again in line {entry.line}, which counts",
            shown(earlier),
            shown(entry, ""),
            subject=key,
            fix=leave_out(host, earlier, f"leave out the line of {key} that does not count"),
        )
    if not bad:
        yield Pass("every key has one value", Evidence(config.path))
