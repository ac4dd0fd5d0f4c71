"""Private worlds: what keeps a sabotage away from the machine.

An outer world per worker holds a user with a working container. A case's own world is made inside
it, broken, judged and left; what the outer world sees afterwards is the restored host. Nothing of a
world is on a disk.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLACE = "/opt/lxc-preflight"  # of the copy of the project in a world, where every user can read it
FOLDERS = (
    *("audit", "checks", "remediations", "reports", "runner", "lxc_preflight"),
    *("tests/truth", "tests/runner"),
)
PYTHON = "/usr/bin/python3"
UNPACKED = "/var/lib/lxc-preflight-truth/rootfs"  # in the outer world: a guest with systemd
BASE_UID = 30000  # well away from useradd's ids
BASE_SUBID = 1_300_000_000

# /home goes on a tmpfs (it has ACLs and extended attributes). sysfs shows the network namespace of
# its mounter: without a fresh one lxc-user-nic cannot see our bridges.
MAKE = """
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 700 /run/world; mkdir -m 1777 /run/tmp; mkdir /run/lock
cd /run/world
{copy}
for d in etc usr var; do
    mkdir $d.upper $d.work
    own=/run/world/$d
    mount -t overlay overlay -o "lowerdir=/$d,upperdir=$own.upper,workdir=$own.work" "/$d"
done
mkdir home; {keep}
mount -t tmpfs -o mode=755 tmpfs /home; cp -a home/. /home/; rm -rf home
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir cg; mount --rbind /sys/fs/cgroup cg
mount -t sysfs sysfs /sys; mount --rbind cg /sys/fs/cgroup
umount -l cg
ip link set lo up
{unpack}
"""
# The checkout may stand below any of the directories that a world replaces.
COPY = """
mkdir copy
tar -C {root} --exclude=__pycache__ -cf - {folders} | tar -C copy -xf -
mount -t tmpfs -o mode=755 tmpfs /opt
cp -r copy {place}; rm -rf copy
{python} -m compileall -q {place} || :
exec 9<{tarball}
"""
UNPACK = """
mkdir -p -m 700 {unpacked}
tar --numeric-owner -xf - -C {unpacked} <&9
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
    """The user of one worker: name, uid and first subordinate id follow from its number (0..9999).

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


def enter(argv: list[str], *, private_sysctls: bool = False) -> list[str]:
    """The command line that runs `argv` in new mount, network and pid namespaces.

    All of it dies with the process (and the thread) that starts it.
    """
    die = ["setpriv", "--pdeathsig", "KILL"]
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = [*die, *unshare, *argv]
    return [*die, PYTHON, "-c", PRIVATE_SYSCTLS, *command] if private_sysctls else command


def make() -> None:
    """Turn the namespaces we are in into a case's world: a copy of the one around it."""
    _make(copy="", keep="cp -a /home/. home/", unpack="")


def make_outer(tarball: str = "") -> None:
    """Turn the namespaces we are in into a world with the project and nobody at home.

    `tarball` is unpacked to UNPACKED; its own place may be hidden by then.
    """
    copy = COPY.format(
        root=shlex.quote(str(ROOT)),
        folders=" ".join(FOLDERS),
        place=PLACE,
        python=PYTHON,
        tarball=shlex.quote(tarball or "/dev/null"),
    )
    unpack = UNPACK.format(unpacked=UNPACKED) if tarball else ""
    _make(copy=copy, keep=":", unpack=unpack)


def _make(**parts: str) -> None:
    subprocess.run(["bash", "-c", MAKE.format(**parts)], check=True)
    os.environ["TMPDIR"] = "/run/tmp"
    os.chdir(PLACE)


def add_user(user: User) -> None:
    """A user for whom everything works, and the container `base`."""
    shell(
        """
        useradd -m -u "$ID" -s /bin/bash -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 "$U"
        sed -i "/^$U:/d" /etc/subuid /etc/subgid
        echo "$U:$BASE:65536" >>/etc/subuid
        echo "$U:$BASE:65536" >>/etc/subgid
        chmod 755 "$H"
        for d in .config .config/lxc .local .local/share .cache; do
            install -d -o "$U" -g "$U" "$H/$d"
        done
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
    """Run shell with lib.sh as root; raises RuntimeError with what it printed when it fails."""
    library = HERE / "lib.sh"
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
