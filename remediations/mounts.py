"""Mounts: other flags now and at boot, and those that the kernel's own file systems need."""

from __future__ import annotations

import re

from audit.facts.mounts import Mount, unescape
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import Action, Replace, Run
from remediations.quoting import word

FSTAB = "/etc/fstab"
# What mount(8) can set on a single mount; the rest of its options are the file system's.
PER_MOUNT = (
    *("ro", "rw", "nosuid", "nodev", "noexec"),
    *("noatime", "relatime", "nodiratime", "nosymfollow"),
)


def without(host: Host, mount: Mount, *flags: str) -> Fix:
    """Take flags off a mount, now and in fstab(5): nosuid, nodev, noexec."""
    names = " and ".join(flags)
    opposite = tuple(flag.removeprefix("no") for flag in flags)
    now = [flag for flag in PER_MOUNT if flag in mount.flags]
    then = [flag for flag in now if flag not in flags]
    return Fix(
        "remount",
        f"mount {mount.point} without {names}",
        (_remount(mount, now, then, flags), *_fstab(host, mount.point, flags, opposite)),
    )


def relatime(host: Host, mount: Mount) -> Fix:
    """Give a mount the times that mounts have by default, which LXC's own have too."""
    others = ("noatime", "nodiratime", "strictatime")
    now = [flag for flag in PER_MOUNT if flag in mount.flags] or ["strictatime"]
    then = [*(flag for flag in now if flag not in others), "relatime"]
    return Fix(
        "remount",
        f"mount {mount.point} relatime",
        (
            _remount(mount, now, then, tuple(flag for flag in others if flag in mount.flags)),
            *_fstab(host, mount.point, others, ("relatime",)),
        ),
    )


def read_write(host: Host, mount: Mount) -> Fix:
    """Mount read-write what is mounted read-only, now and at boot."""
    point = word(mount.point)
    run = Run(
        f"mount -o remount,rw {point}",
        _shown_without(mount.point, ("ro",)),
        f"mount -o remount,ro {point}",
    )
    title = f"mount {mount.point} read-write"
    return Fix("remount", title, (run, *_fstab(host, mount.point, ("ro",), ("rw",))))


def kernels(fstype: str, point: str, options: str = "") -> Fix:
    """Mount one of the kernel's own file systems where every system has it; init does at boot."""
    words = ["mount", "-t", fstype, *(["-o", options] if options else []), fstype, word(point)]
    there = f"grep -q {word(f' / {_pattern(point)} .* - {fstype} ')} /proc/self/mountinfo"
    make = f"mkdir -p {word(point)} && "
    return Fix(
        "mount",
        f"mount {fstype} on {point}",
        (Run(make + " ".join(words), there, f"umount {word(point)}"),),
    )


def uncover(mount: Mount) -> Fix:
    """Unmount what covers something. In a container, whose runtime put it there, it cannot be."""
    point = word(mount.point)
    covered = f"! grep -q {word(f'^[^ ]* [^ ]* [^ ]* [^ ]* {_pattern(mount.point)} ')} "
    return Fix(
        "uncover",
        f"unmount {mount.point}, or allow nesting in the container this host is",
        (Run(f"umount {point}", f"{covered}/proc/self/mountinfo", _again(mount)),),
    )


def _remount(mount: Mount, now: list[str], then: list[str], flags: tuple[str, ...]) -> Run:
    """Only the flags of this mount change: those of the file system and of fstab stay out of it."""
    point = word(mount.point)
    return Run(
        f"mount -o remount,bind,{','.join(then) or 'rw'} {point}",
        _shown_without(mount.point, flags) if flags else "",
        f"mount -o remount,bind,{','.join(now) or 'rw'} {point}",
    )


def _shown_without(point: str, flags: tuple[str, ...]) -> str:
    """A test: the mount on top of a point has none of these flags."""
    pattern = f"(^|,)({'|'.join(flags)})(,|$)"
    return (
        f"at={word(_escaped(point))} awk "
        f"'$5 == ENVIRON[\"at\"] {{ has = $6 ~ /{pattern}/ }} END {{ exit has }}' "
        "/proc/self/mountinfo"
    )


def _again(mount: Mount) -> str:
    """What mounts it again; empty where the table does not tell."""
    point = word(mount.point)
    flags = ",".join(flag for flag in PER_MOUNT if flag in mount.flags)
    if mount.fstype in ("proc", "sysfs", "tmpfs") and mount.root == "/":
        options = ",".join(sorted((set(flags.split(",")) | mount.options) - {"rw", ""}))
        return f"mount -t {mount.fstype} -o {word(options or 'rw')} {mount.fstype} {point}"
    if mount.fstype == "devtmpfs" and mount.root == "/null":
        return f"mount --bind /dev/null {point}"
    if mount.fstype == "proc":
        inner = word("/proc" + mount.root)
        return f"mount --bind {inner} {point} && mount -o remount,bind,{flags} {point}"
    return ""


def _fstab(
    host: Host, point: str, drop: tuple[str, ...], add: tuple[str, ...]
) -> tuple[Action, ...]:
    """The line of fstab(5) that mounts it, with other options; nothing where there is none."""
    try:
        text = host.read(FSTAB) or ""
    except Unknown:
        return ()
    for number, line in reversed(list(enumerate(text.split("\n"), 1))):
        fields = re.split(r"(\s+)", line)
        start = 2 if fields[0] == "" else 0  # blanks in front
        if len(fields) < start + 5 or fields[start].startswith("#"):
            continue
        if (unescape(fields[start + 2]).rstrip("/") or "/") != point:
            continue
        if len(fields) < start + 7:
            fields += ["\t", ""]
        options = [one for one in fields[start + 6].split(",") if one and one not in drop]
        options = [one for one in options if one not in add]
        # `user` and `users` imply noexec, nosuid and nodev for what does not stand behind them.
        fields[start + 6] = ",".join([*options, *add])
        new = "".join(fields)
        return (Replace(FSTAB, number, line, new),) if new != line else ()
    return ()


def _escaped(point: str) -> str:
    """A mount point as /proc/self/mountinfo has it: the inverse of unescape()."""
    return "".join(f"\\{ord(one):03o}" if one in " \t\n\\" else one for one in point)


def _pattern(point: str) -> str:
    """The same as a basic regular expression."""
    return re.sub(r"([.*\[\]^$\\])", r"\\\1", _escaped(point))
