"""Images of hosts: built from a distribution's packages, kept under what they are made of."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.truth import guest as store

HERE = Path(__file__).parent
TOOLS = (
    *("mmdebstrap", "mke2fs", "debugfs", "cpio", "depmod", "modprobe", "xz", "zstd", "patchelf"),
)
BUILD_SECONDS = 1200
# Of every file: an image made twice of the same packages is the same to the byte.
EPOCH = "1767225600"
# What apt and Python say of a mirror that cannot be reached from here.
UNREACHABLE = (
    *("Could not resolve", "Temporary failure resolving", "Could not connect"),
    *("Connection failed", "Name or service not known", "Connection refused"),
)


class NoImage(Exception):
    """Why an image cannot be had here: what is missing, or a mirror that is out of reach."""


class BuildFailed(NoImage):
    """An image could not be built although all is there that it takes."""


class Image(NamedTuple):
    """One host as it is installed.

    `init`: systemd, openrc (sysvinit as pid 1, OpenRC as its rc: Debian's usual way) or sysvinit
    (sysv-rc: nothing mounts a cgroup). `bare`: nothing of LXC and no user, but python3 and apt.
    """

    name: str
    suite: str
    init: str
    packages: tuple[str, ...] = ()
    bare: bool = False
    mib: int = 3072  # of the root file system; the file has holes

    @property
    def ubuntu(self) -> bool:
        return self.suite in ("noble",)


SYSTEMD = ("systemd", "systemd-sysv", "libpam-systemd", "dbus", "dbus-user-session")
SYSVINIT = ("sysvinit-core", "initscripts", "orphan-sysvinit-scripts")
LIBCGROUP = ("cgroup-tools", "libpam-cgroup")
INITS = {
    "systemd": SYSTEMD,
    "openrc": (*SYSVINIT, "openrc", *LIBCGROUP),
    "sysvinit": (*SYSVINIT, "sysv-rc", *LIBCGROUP),
}
BASE = (
    *("kmod", "udev", "procps", "iproute2", "python3", "util-linux", "mount", "passwd", "login"),
    *("ca-certificates", "openssh-server", "openssh-client", "cron", "less", "libpam-modules"),
)
LXC = ("lxc", "uidmap", "acl", "busybox-static", "iputils-ping", "dnsmasq-base", "libcap2-bin")

# LXC's own acceptance scripts, and what they call on what they take for an Ubuntu.
LXC_TESTS = (
    *("lxc-templates", "lxc-tests", "apparmor", "sudo", "adduser", "bridge-utils", "net-tools"),
)

# What writes the boot loader's configuration; the loader itself is QEMU.
GRUB = ("grub-common", "grub2-common")

IMAGES = {
    image.name: image
    for image in (
        Image("debian-11", "bullseye", "systemd", ("lxc-templates",)),
        Image("debian-11-grub", "bullseye", "systemd", ("lxc-templates", *GRUB)),
        Image("debian-12", "bookworm", "systemd", ("lxc-templates", "lxc-tests", "apparmor")),
        Image("debian-12-bare", "bookworm", "systemd", bare=True),
        Image("debian-12-grub", "bookworm", "systemd", ("lxc-templates", *GRUB)),
        Image("debian-12-lxc-tests", "bookworm", "systemd", LXC_TESTS),
        Image("debian-12-openrc", "bookworm", "openrc", ("lxc-templates",)),
        Image("debian-13", "trixie", "systemd", ("apparmor",)),
        Image("debian-13-grub", "trixie", "systemd", GRUB),
        Image("debian-13-openrc", "trixie", "openrc"),
        Image("debian-13-openrc-bare", "trixie", "openrc", bare=True),
        Image("debian-13-elogind", "trixie", "openrc", ("elogind", "libpam-elogind")),
        Image("debian-13-sysvinit", "trixie", "sysvinit"),
        Image("debian-sid", "sid", "systemd"),
        Image("ubuntu-24.04", "noble", "systemd", ("lxc-templates", "apparmor")),
    )
}


class Built(NamedTuple):
    """An image on this machine: a raw ext4 file system, its kernel and a small initrd."""

    image: Image
    directory: Path

    @property
    def disk(self) -> Path:
        return self.directory / "disk.img"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd"

    @property
    def packages(self) -> dict[str, str]:
        """The version of each installed package."""
        lines = (self.directory / "packages").read_text().splitlines()
        return dict(line.split("\t") for line in lines)


def packages(image: Image) -> tuple[str, ...]:
    """Every package that is asked for by name."""
    found = [*BASE, *INITS[image.init], *image.packages]
    if not image.bare:
        found += LXC
    if image.suite != "bullseye":
        found.append("util-linux-extra")
        if image.init != "systemd":  # else udev brings the systemd package
            found += ["systemd-standalone-sysusers", "systemd-standalone-tmpfiles"]
    return tuple(found)


def key(image: Image) -> str:
    """What an image is made of, in one word: its description and what builds it."""
    made_of = hashlib.sha256(json.dumps([image, packages(image), EPOCH]).encode())
    for path in sorted([HERE / "build.sh", *(HERE / "guest").iterdir()]):
        if path.is_file():
            made_of.update(path.name.encode() + b"\0" + path.read_bytes())
    return made_of.hexdigest()[:16]


def cache() -> Path:
    """Where images are kept, beside the other guests of the tests."""
    return store.cached().parent / "hosts"


def obtain(image: Image, *, again: bool = False) -> Built:
    """The image, built unless it is there (`again`: built anyway, beside it).

    Raises NoImage with the reason when it cannot be built here.
    """
    built = Built(image, cache() / f"{image.name}-{key(image)}")
    with _locked(image.name):
        if built.disk.exists() and not again:
            return built
        if os.geteuid() != 0:
            raise NoImage("takes root, to build a root file system")
        if missing := [tool for tool in TOOLS if not shutil.which(tool, path=_PATH)]:
            raise NoImage(f"needs {', '.join(missing)}")
        made = built.directory.with_name(f"{image.name}.{'again' if again else 'new'}")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        _build(image, made)
        if again:
            return built._replace(directory=made)
        for old in cache().glob(f"{image.name}-{'[0-9a-f]' * 16}"):
            shutil.rmtree(old)
        made.rename(built.directory)
    return built


_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _build(image: Image, directory: Path) -> None:
    debs = cache() / f"debs-{image.suite}"
    debs.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PATH": _PATH,
        "SOURCE_DATE_EPOCH": EPOCH,
        "SUITE": image.suite,
        "INIT": image.init,
        "BARE": "1" if image.bare else "",
        "UBUNTU": "1" if image.ubuntu else "",
        "MIB": str(image.mib),
        "PACKAGES": ",".join(packages(image)),
        "OUT": str(directory),
        "DEBS": str(debs),
    }
    log = directory / "log"
    with log.open("w") as out:
        try:
            code = subprocess.run(
                ["bash", str(HERE / "build.sh")],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=BUILD_SECONDS,
            ).returncode
        except subprocess.TimeoutExpired:
            raise BuildFailed(f"{image.name} was not built within {BUILD_SECONDS} s") from None
    if code:
        text = log.read_text(errors="replace").strip()
        words = f"{image.name} could not be built: {' / '.join(text.splitlines()[-3:])}"
        raise NoImage(words) if any(one in text for one in UNREACHABLE) else BuildFailed(words)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """One builder of an image at a time; the others wait and find it."""
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
