"""The default guest: a root file system of the host's static busybox. It needs no network.

lxc-create has a busybox template of its own. Its guest runs a DHCP client that takes away the
address which the config gave it, and it ignores the signal with which lxc-stop asks it to halt.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import subprocess
import tarfile

from audit.errors import UsageError
from runner.images.archive import Metadata
from runner.images.cache import Stored
from runner.images.pack import PRESET, add_directory, add_file, add_link, pack_metadata
from runner.places import cache

VERSION = 1  # of the files below: a new one makes a new archive
DIRECTORIES = (
    *("bin", "sbin", "usr", "usr/bin", "usr/sbin", "dev", "proc", "sys", "run", "etc"),
    *("etc/init.d", "var", "var/run", "home", "mnt", "root", "usr/share", "usr/share/udhcpc"),
)
PLACES = ("/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static", "/sbin/busybox")
INSTALL = "busybox-static (Debian, Ubuntu), busybox (Fedora, Alpine: busybox-static, Arch, Gentoo)"
RCS = """#!/bin/sh
hostname -F /etc/hostname
ip link set lo up
# an address that the container's config gave stays; without one, ask a DHCP server
for path in /sys/class/net/*; do
    link=${path##*/}
    if [ "$link" = lo ] || ip addr show dev "$link" | grep -q 'inet6\\? .*global'; then continue; fi
    ip link set "$link" up && udhcpc -b -S -i "$link" >/dev/null 2>&1 &
done
"""
LEASE = """#!/bin/sh
case $1 in
deconfig) ip addr flush dev "$interface"; ip link set "$interface" up ;;
bound | renew)
    ip addr replace "$ip/${mask:-24}" dev "$interface"
    for way in $router; do ip route replace default via "$way" dev "$interface"; break; done
    : >/etc/resolv.conf
    for one in $dns; do echo "nameserver $one" >>/etc/resolv.conf; done ;;
esac
"""
FILES = {
    "etc/passwd": ("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n", 0o644),
    "etc/group": ("root:x:0:\nnogroup:x:65534:\n", 0o644),
    "etc/shadow": ("root:*:1::::::\n", 0o640),
    "etc/hostname": ("LXC_NAME\n", 0o644),
    "etc/hosts": ("127.0.0.1 localhost LXC_NAME\n::1 localhost\n", 0o644),
    "etc/os-release": ('ID=busybox\nNAME="busybox"\nPRETTY_NAME="busybox"\n', 0o644),
    # busybox init: SIGUSR1 halts. askfirst would wait for a console that may not be there.
    "etc/inittab": ("::sysinit:/etc/init.d/rcS\nconsole::respawn:/bin/sh\n", 0o644),
    "etc/init.d/rcS": (RCS, 0o755),
    "usr/share/udhcpc/default.script": (LEASE, 0o755),
}
META = Metadata(
    "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\n"
    "lxc.include = LXC_TEMPLATE_CONFIG/userns.conf\n"
    "lxc.signal.halt = SIGUSR1\n"
    "lxc.signal.reboot = SIGTERM",
    ("etc/hostname", "etc/hosts"),
)


def static_busybox() -> str:
    """The path of a busybox that needs no libraries. Raises UsageError when there is none."""
    found = ""
    for path in (shutil.which("busybox"), *PLACES):
        if path and os.path.isfile(path):
            found = path
            with open(path, "rb") as file:
                if b"/ld-" not in file.read(4096):
                    return path
    why = f"{found} needs libraries of the host" if found else "there is none here"
    raise UsageError(
        f"without --image the container is made of the host's static busybox, and {why}: "
        f"install the package {INSTALL}, or name an image"
    )


def embedded() -> Stored:
    """The archives, made when busybox or this file has changed since the last time."""
    busybox = static_busybox()
    with open(busybox, "rb") as file:
        program = file.read()
    build = f"{VERSION}-{hashlib.sha256(program).hexdigest()[:16]}"
    place = cache("images", "embedded")
    final = os.path.join(place, build)
    size = len(program) + sum(len(text) for text, _ in FILES.values())
    stored = Stored(
        os.path.join(final, "rootfs.tar.xz"), os.path.join(final, "meta.tar.xz"), build, False, size
    )
    if os.path.exists(stored.metadata):
        return stored
    made = os.path.join(place, f".{build}.{os.getpid()}")
    try:
        os.makedirs(made)
        _pack(os.path.join(made, "rootfs.tar.xz"), program, _applets(busybox))
        pack_metadata(os.path.join(made, "meta.tar.xz"), META, ())
        _put(made, final)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return stored


def _put(made: str, final: str) -> None:
    """Another run may have been faster; then its copy is as good as ours."""
    try:
        os.rename(made, final)
    except OSError:
        if not os.path.isdir(final):
            raise


def _applets(busybox: str) -> list[str]:
    """The links that this busybox wants: `bin/ls`."""
    done = subprocess.run(
        [busybox, "--list-full"], capture_output=True, text=True, timeout=10, check=False
    )
    return [line.strip("/") for line in done.stdout.split() if line.strip("/") != "linuxrc"]


def _pack(path: str, program: bytes, applets: list[str]) -> None:
    made = set(DIRECTORIES)
    with (
        lzma.open(path, "wb", preset=PRESET) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        add_directory(archive, ".")
        for name in DIRECTORIES:
            add_directory(archive, f"./{name}", 0o700 if name == "root" else 0o755)
        add_directory(archive, "./tmp", 0o1777)
        add_file(archive, "./bin/busybox", program, 0o755)
        for applet in applets:
            if "/" in applet and applet != "bin/busybox" and applet.rpartition("/")[0] in made:
                add_link(archive, f"./{applet}", "/bin/busybox")
        for name, (text, mode) in FILES.items():
            add_file(archive, f"./{name}", text.encode(), mode)
