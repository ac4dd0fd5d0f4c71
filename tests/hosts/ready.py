"""A host ready for a trial: booted, with the project in it, set up, and remembered."""

from __future__ import annotations

import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

import rich

from tests.hosts.image import obtain
from tests.hosts.machine import Machine
from tests.hosts.variants import Boot
from tests.truth.world import FOLDERS, PLACE, ROOT
from tools import pyz

LIBRARIES = ("elftools", "rich", "pygments", "markdown_it", "mdurl")
# What answers in JSON needs no more, and compiling everything takes an emulated minute.
COMPILED = ("audit", "checks", "remediations", "reports", "runner", "lxc_preflight", "elftools")
READY = "ready"
# Before init: images mask what only costs time at a boot, and lxc-net, which some hosts want.
UNMASK = "rm -f /etc/systemd/system/lxc-net.service"
HERE = Path(__file__).parent
GOOD, BRIDGE = ((HERE / name).read_text() for name in ("good.sh", "bridge.sh"))
# lxc-busybox makes 400 links by a process each: a static program starts four times as fast here.
FAST = "ln -s $(command -v busybox) /usr/local/bin/ln"
# As a person has told GRUB to boot what is booted here.
GRUB = """
sed "s/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX=\\"$words\\"/" /usr/share/grub/default/grub \
    >/etc/default/grub
mkdir -p /boot/grub
update-grub
"""
# A user's manager lives on ten seconds after the last logout; a trial that meets it is not alone.
# That of a user who lingers is there again after the next boot, and stands for it here.
LOGOUT = """
[ -d /run/systemd/system ] || exit 0
loginctl terminate-user lxc 2>/dev/null || :
tries=0
while systemctl -q is-active user-1000.slice && [ $tries -lt 100 ]; do
    sleep 0.2; tries=$((tries + 1))
done
[ ! -e /var/lib/systemd/linger/lxc ] || systemctl start "user@$(id -u lxc)"
"""


def python(machine: Machine) -> str:
    """The interpreter that is new enough: Debian 11's own is not."""
    old = machine.built.image.suite == "bullseye"
    return "/usr/local/bin/python3.11" if old else "/usr/bin/python3"


def boot(kind: Boot) -> Machine:
    """Boot a host and prepare it; its state is saved as READY. Raises NoImage and HostGone."""
    machine = Machine(obtain(kind.image), kind.arguments, kind.before_init)
    try:
        bring_project(machine)
        machine.shell(BRIDGE)
        machine.shell(GOOD)
        machine.shell(FAST)
        machine.shell(kind.setup)
        if "grub2-common" in machine.built.packages:
            machine.shell(f"words={shlex.quote(kind.arguments)}\n{GRUB}")
        machine.shell(LOGOUT)
        machine.save(READY)
    except BaseException:
        machine.stop()
        raise
    return machine


def bring_file(machine: Machine, path: str, mode: int) -> None:
    """Build the single file, and copy it to `path`."""
    with TemporaryDirectory() as directory:
        file = Path(directory, "file")
        pyz.write(file)
        machine.push({path: file}, mode=mode)


def bring_project(machine: Machine) -> None:
    """Copy the project and what it imports to PLACE, and compile it."""
    site = Path(rich.__file__).parents[1]
    files: dict[str, Path | bytes] = {f"{PLACE}/{name}": ROOT / name for name in FOLDERS}
    files |= {f"{PLACE}/{name}": site / name for name in LIBRARIES}
    files[f"{PLACE}/tests/hosts"] = ROOT / "tests/hosts"
    machine.push(files)
    machine.shell(
        f"chmod 755 {PLACE} {PLACE}/tests; {python(machine)} -m compileall -q {PLACE} || :"
    )


def inside(machine: Machine, words: str, seconds: float = 600) -> str:
    """What tests/hosts/inside.py prints in the host."""
    line = f"cd {PLACE}; exec {python(machine)} -m tests.hosts.inside {words}"
    return machine.shell(line, seconds)
