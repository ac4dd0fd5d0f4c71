"""Private worlds: what keeps a sabotage away from the machine.

An outer world per worker holds a user with a working container. A case's own world is made inside it, broken,
judged and left; what the outer world sees afterwards is the restored host.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE_UID = 30000  # well away from useradd's ids
BASE_SUBID = 1_300_000_000

# $1 is a directory that nothing else uses. /home goes on a tmpfs (it has ACLs and extended attributes).
# sysfs shows the network namespace of its mounter: without a fresh one lxc-user-nic cannot see our bridges.
MAKE = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
for d in etc usr var; do
    mkdir "$1/$d.upper" "$1/$d.work"
    mount -t overlay overlay -o "lowerdir=/$d,upperdir=$1/$d.upper,workdir=$1/$d.work" "/$d"
done
mkdir "$1/home"; cp -a /home/. "$1/home/" 2>/dev/null || :
mount -t tmpfs -o mode=755 tmpfs /home; [ "$2" = empty ] || cp -a "$1/home/." /home/
rm -rf "$1/home"
mount -t tmpfs -o mode=755 tmpfs /srv
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
mkdir "$1/cg"; mount --rbind /sys/fs/cgroup "$1/cg"
mount -t sysfs sysfs /sys; mount --rbind "$1/cg" /sys/fs/cgroup
umount -l "$1/cg"
ip link set lo up
"""

# /proc/sys/user/max_* belong to a user namespace: one with the identity map makes them private.
PRIVATE_SYSCTLS = """
import ctypes, os, sys
r, w = os.pipe(); r2, w2 = os.pipe(); pid = os.fork()
if pid == 0:
    os.close(r); os.close(w2)
    if ctypes.CDLL(None).unshare(0x10000000): os._exit(97)
    os.write(w, b"x"); os.read(r2, 1); os.setgid(0); os.setuid(0)
    os.execvp(sys.argv[1], sys.argv[1:])
os.close(w); os.read(r, 1)
for name in ("uid_map", "gid_map"):
    with open(f"/proc/{pid}/{name}", "w") as file: file.write("0 0 4294967295\\n")
os.write(w2, b"x"); sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


class User:
    """The user of one worker: its name, uid and first subordinate id follow from its number (0..9999).

    The number differs between runs too, because cgroups are shared by all that run at one time.
    """

    def __init__(self, number: int) -> None:
        self.name = f"truth{number}"
        self.uid = BASE_UID + number
        self.base = BASE_SUBID + number * 100_000
        self.home = Path("/home") / self.name

    @property
    def environment(self) -> dict[str, str]:
        """What lib.sh expects."""
        return {
            "U": self.name,
            "H": str(self.home),
            "ID": str(self.uid),
            "BASE": str(self.base),
            "CG": f"truth-{self.name}",
        }


@contextmanager
def mount_point() -> Iterator[str]:
    """An empty directory for `make`. Only rmdir may remove it: should a world outlive its process, then
    whatever is mounted below is the machine's own cgroup tree."""
    directory = tempfile.mkdtemp(prefix="truth.")
    try:
        yield directory
    finally:
        os.rmdir(directory)


def enter(argv: list[str], *, private_sysctls: bool = False) -> list[str]:
    """The command line that runs `argv` in new mount, network and pid namespaces."""
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", *argv]
    return ["/usr/bin/python3", "-c", PRIVATE_SYSCTLS, *command] if private_sysctls else command


def make(directory: str, *, empty: bool = False) -> None:
    """Turn the namespaces we are in into a world. `empty`: start with nobody at home."""
    subprocess.run(
        ["bash", "-c", MAKE, "world", directory, "empty" if empty else "keep"], check=True
    )


def add_user(user: User) -> None:
    """A user for whom everything works, and the container `base`."""
    shell(
        """
        useradd -m -u "$ID" -s /bin/bash -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 "$U"
        sed -i "/^$U:/d" /etc/subuid /etc/subgid
        echo "$U:$BASE:65536" >>/etc/subuid
        echo "$U:$BASE:65536" >>/etc/subgid
        chmod 755 "$H"
        install -d -o "$U" -g "$U" "$H/.config" "$H/.config/lxc" "$H/.local" "$H/.local/share" "$H/.cache"
        printf 'lxc.net.0.type = empty\\nlxc.idmap = u 0 %s 65536\\nlxc.idmap = g 0 %s 65536\\n' \
            "$BASE" "$BASE" >"$CONF"
        chown "$U:$U" "$CONF"
        asuser 'lxc-create -n base -t busybox' >/dev/null
        """,
        user,
    )


def remove_cgroups(user: User) -> None:
    """Cgroups are the one thing that worlds share; those of our users are ours to remove."""
    names = (f"truth-{user.name}", f"user/{user.name}")
    for top in Path("/sys/fs/cgroup").glob("*"):
        for name in names:
            for directory, _, _ in os.walk(top / name, topdown=False):
                with suppress(OSError):
                    os.rmdir(directory)


def shell(script: str, user: User, **more: str) -> None:
    """Run shell with lib.sh as root; raises CalledProcessError with what it printed when it fails."""
    library = Path(__file__).with_name("lib.sh")
    process = subprocess.run(
        ["bash", "-c", f". {shlex.quote(str(library))}\n{script}"],
        env={**os.environ, **user.environment, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if process.returncode:
        raise RuntimeError(f"sabotage failed ({process.returncode}): {process.stderr.strip()}")
