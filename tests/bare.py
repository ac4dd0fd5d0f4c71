"""A bare Debian root tree, entered as a world of its own: nothing but the base system and Python.

The tree is made by mmdebstrap from the distribution's packages and kept between runs. It is entered
by pivot_root(2) in new mount and pid namespaces and lives in a tmpfs; the network is that of this
machine, for the package manager. /proc, /sys and cgroups are the kernel's own.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from tests.truth import guest

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # root's, as login gives it

ENTER = """
set -eu
mount --make-rprivate /
new=/run/lxc-preflight-bare; mkdir -p $new
mount -t tmpfs -o mode=755,size=3g tmpfs $new
tar --numeric-owner -xpf {tarball} -C $new
mkdir $new/old
cp {file} $new/root/
for file in resolv.conf hosts; do cp -L /etc/$file $new/etc/$file 2>/dev/null || :; done
cp -a /etc/apt/sources.list* /etc/apt/apt.conf.d $new/etc/apt/ 2>/dev/null || :
mount -t proc proc $new/proc
mount --rbind /sys $new/sys
mount --rbind /dev $new/dev
mount -t tmpfs -o mode=755 tmpfs $new/run
mount -t tmpfs -o mode=1777 tmpfs $new/tmp
mkdir -p $new/run/lock
cd $new
pivot_root . old
umount -l /old
rmdir /old
cd /root
exec bash -c {command}
"""


def cached() -> Path:
    """Where the tar file is kept, beside that of the guest."""
    return guest.cached().with_name(f"{guest.SUITE}-bare.tar")


def obtain() -> str:
    """Make the tar file unless it is there; the reason why it cannot be had, or nothing."""
    if os.geteuid() != 0:
        return "takes root, for namespaces"
    return guest.debian(cached(), "--include=python3")


def run(command: str, file: Path, seconds: float = 1200) -> subprocess.CompletedProcess[str]:
    """Run a shell command as root in a fresh copy of the tree, in root's home with `file` in it."""
    script = ENTER.format(
        tarball=shlex.quote(str(cached())),
        file=shlex.quote(str(file)),
        command=shlex.quote(command),
    )
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    return subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", *unshare, "bash", "-c", script],
        env={"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
