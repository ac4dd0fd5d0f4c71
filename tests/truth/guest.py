"""A guest whose init is systemd: a Debian root file system by mmdebstrap, kept between runs."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from tests.truth import world

SUITE = "bookworm"
DROPPED = ("doc", "man", "locale")  # of /usr/share: half of it, and nothing that boots


def cached() -> Path:
    """Where the tar file is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "lxc-preflight-tests", f"{SUITE}-systemd.tar")


def obtain() -> str:
    """Make the tar file unless it is there; the reason why it cannot be had, or nothing."""
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in DROPPED]
    return debian(cached(), "--include=systemd-sysv,dbus,iproute2", *options)


def debian(path: Path, *options: str) -> str:
    """A Debian of the smallest kind as a tar file, unless it is there; why it cannot be had."""
    if path.exists():
        return ""
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is not installed"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(f".{os.getpid()}.tar")
    try:
        done = subprocess.run(
            ["mmdebstrap", "--variant=minbase", *options, SUITE, str(made)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        if done.returncode:
            last = done.stderr.strip().rpartition("\n")[2]
            return f"mmdebstrap made no {SUITE}: {last or done.returncode}"
        made.rename(path)
    except subprocess.TimeoutExpired:
        return "mmdebstrap did not end within 15 minutes"
    finally:
        made.unlink(missing_ok=True)
    return ""


def shift(user: world.User) -> None:
    """In the outer world: give the unpacked root file system to the user's range."""
    shifted: set[int] = set()
    for directory, folders, files in os.walk(world.UNPACKED):
        links = [name for name in folders if os.path.islink(os.path.join(directory, name))]
        for path in (directory, *(os.path.join(directory, name) for name in (*files, *links))):
            was = os.lstat(path)
            if was.st_ino in shifted:
                continue  # another name of a file that has been given away already
            if was.st_nlink > 1 and not stat.S_ISDIR(was.st_mode):
                shifted.add(was.st_ino)
            os.lchown(path, was.st_uid + user.base, was.st_gid + user.base)
            if not stat.S_ISLNK(was.st_mode):
                os.chmod(path, stat.S_IMODE(was.st_mode))  # chown takes setuid away


def install(user: world.User) -> None:
    """In a case's world: the container `deb`, with a root file system of its own."""
    world.shell(
        """
        mkdir "$LXC/deb"
        cp -a "$UNPACKED" "$LXC/deb/rootfs"
        printf '%s\\n' 'lxc.include = /usr/share/lxc/config/common.conf' \
            'lxc.include = /usr/share/lxc/config/userns.conf' \
            "lxc.idmap = u 0 $BASE 65536" "lxc.idmap = g 0 $BASE 65536" \
            "lxc.rootfs.path = dir:$LXC/deb/rootfs" 'lxc.uts.name = deb' \
            'lxc.net.0.type = empty' >"$LXC/deb/config"
        chown "$BASE:$U" "$LXC/deb" "$LXC/deb/config"
        chmod 770 "$LXC/deb"
        """,
        user,
        UNPACKED=world.UNPACKED,
    )
