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
PER_MOUNT = ("ro", "nosuid", "nodev", "noexec", "nosymfollow")
TIMES = ("noatime", "nodiratime", "relatime", "strictatime")


def without(host: Host, mount: Mount, *flags: str) -> Fix:
    """Take flags off a mount, now and in fstab(5): nosuid, nodev, noexec."""
    opposite = tuple(flag.removeprefix("no") for flag in flags)
    now = tuple(flag for flag in PER_MOUNT if flag in mount.flags)
    # A flag that is not named stays as it is: its opposite has to be.
    then = (*(flag for flag in now if flag not in flags), *opposite)
    return Fix(
        "remount",
        f"mount {mount.point} without {' and '.join(flags)}",
        (_remount(mount, then, now, flags), *_fstab(host, mount.point, flags, opposite)),
    )


def relatime(host: Host, mount: Mount) -> Fix:
    """Give a mount the times that mounts have by default, which LXC's own have too."""
    now = _flags(mount)
    then = (*(flag for flag in now if flag not in TIMES), "atime", "diratime", "relatime")
    others = tuple(flag for flag in TIMES if flag != "relatime")
    return Fix(
        "remount",
        f"mount {mount.point} relatime",
        (
            _remount(mount, then, now, others, "relatime"),
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


def _flags(mount: Mount) -> tuple[str, ...]:
    """All flags of one mount, as mount(8) takes them; of a running host, which shows relatime."""
    found = tuple(flag for flag in (*PER_MOUNT, *TIMES) if flag in mount.flags)
    return found if set(TIMES[:3]) & set(found) - {"nodiratime"} else (*found, "strictatime")


def _remount(
    mount: Mount, then: tuple[str, ...], now: tuple[str, ...], gone: tuple[str, ...], has: str = ""
) -> Run:
    """Only the flags of this mount change: those of the file system and of fstab stay out of it."""
    point = word(mount.point)
    return Run(
        f"mount -o remount,bind,{','.join(then)} {point}",
        _shown_without(mount.point, gone, has),
        f"mount -o remount,bind,{','.join(now)} {point}",
    )


def _shown_without(point: str, flags: tuple[str, ...], has: str = "") -> str:
    """A test: the mount on top of a point has none of these flags, and has another."""
    wrong = f"$6 ~ /(^|,)({'|'.join(flags)})(,|$)/" + (
        f" || $6 !~ /(^|,){has}(,|$)/" if has else ""
    )
    return (
        f"at={word(_escaped(point))} awk "
        f"'$5 == ENVIRON[\"at\"] {{ wrong = {wrong} }} END {{ exit wrong }}' /proc/self/mountinfo"
    )


def _again(mount: Mount) -> str:
    """What mounts it again; empty where the table does not tell."""
    point = word(mount.point)
    flags = ",".join(_flags(mount))
    if mount.fstype in ("proc", "sysfs", "tmpfs") and mount.root == "/":
        options = ",".join([*_flags(mount), *sorted(mount.options - {"rw", "ro"})])
        return f"mount -t {mount.fstype} -o {word(options)} {mount.fstype} {point}"
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
