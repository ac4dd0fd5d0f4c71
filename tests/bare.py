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

from tests.files import ROOT
from tests.truth import guest, world

LIBRARIES = ("rich", "pygments", "markdown_it", "mdurl", "elftools")

ENTER = """
set -eu
mount --make-rprivate /
new=/run/lxc-preflight-bare; mkdir -p $new
mount -t tmpfs -o mode=755,size=3g tmpfs $new
tar --numeric-owner -xpf {tarball} -C $new
mkdir -p $new{place} $new/old
tar -C {root} --exclude=__pycache__ -cf - {folders} | tar -C $new{place} -xf -
for library in {libraries}; do cp -r {site}/$library $new{place}/; done
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
cd {place}
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


def run(command: str, seconds: float = 1200) -> subprocess.CompletedProcess[str]:
    """Run a shell command as root in a fresh copy of the tree, in the project's folder."""
    import rich

    script = ENTER.format(
        tarball=shlex.quote(str(cached())),
        place=world.PLACE,
        root=shlex.quote(str(ROOT)),
        folders=" ".join(world.FOLDERS),
        libraries=" ".join(LIBRARIES),
        site=shlex.quote(str(Path(rich.__file__).parents[1])),
        command=shlex.quote(command),
    )
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    return subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", *unshare, "bash", "-c", script],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
