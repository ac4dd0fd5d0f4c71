"""What is in the embedded guest, and how it is packed.

busybox init reads /etc/inittab, runs rcS, and halts on SIGUSR1.
"""

from __future__ import annotations

import lzma
import os
import subprocess
import tarfile

from runner.images.kinds import Metadata
from runner.images.pack import PRESET, add_directory, add_file, add_link, pack_metadata

DIRECTORIES = (
    *("bin", "sbin", "usr", "usr/bin", "usr/sbin", "dev", "proc", "sys", "run", "etc"),
    *("etc/init.d", "var", "var/run", "home", "mnt", "root", "usr/share", "usr/share/udhcpc"),
)
RCS = """#!/bin/sh
hostname -F /etc/hostname
ip link set lo up
# an address that the container's config gave stays; without one, ask a DHCP server; where a busybox
# looks for its script by itself is the distribution's choice
script=/usr/share/udhcpc/default.script
for path in /sys/class/net/*; do
    link=${path##*/}
    [ "$link" != lo ] || continue
    # not one that a router has announced (dynamic)
    if ip addr show dev "$link" | grep 'inet6\\? .*global' | grep -qv dynamic; then continue; fi
    ip link set "$link" up && udhcpc -b -S -s $script -i "$link" >/dev/null 2>&1 &
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
    "etc/inittab": ("::sysinit:/etc/init.d/rcS\nconsole::respawn:/bin/sh\n", 0o644),
    "etc/init.d/rcS": (RCS, 0o755),
    "usr/share/udhcpc/default.script": (LEASE, 0o755),
}
# What it takes for metadata; the includes are those of every image for ordinary users.
INCLUDES = (
    "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.include = LXC_TEMPLATE_CONFIG/userns.conf"
)
META = Metadata(
    f"{INCLUDES}\nlxc.signal.halt = SIGUSR1\nlxc.signal.reboot = SIGTERM",
    ("etc/hostname", "etc/hosts"),
)


def pack_guest(directory: str, busybox: str) -> None:
    """Write rootfs.tar.xz and meta.tar.xz."""
    pack_rootfs(os.path.join(directory, "rootfs.tar.xz"), busybox)
    pack_metadata(os.path.join(directory, "meta.tar.xz"), META, ())


def pack_rootfs(path: str, busybox: str) -> None:
    """Write the root file system of a static busybox."""
    with open(busybox, "rb") as file:
        program = file.read()
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
        for applet in _applets(busybox):
            if "/" in applet and applet != "bin/busybox" and applet.rpartition("/")[0] in made:
                add_link(archive, f"./{applet}", "/bin/busybox")
        for name, (text, mode) in FILES.items():
            add_file(archive, f"./{name}", text.encode(), mode)


def _applets(busybox: str) -> list[str]:
    """The links that this busybox wants: `bin/ls`."""
    done = subprocess.run(
        [busybox, "--list-full"], capture_output=True, text=True, timeout=10, check=False
    )
    return [line.strip("/") for line in done.stdout.split() if line.strip("/") != "linuxrc"]
