"""How a container that is there gets an init that can run."""

from __future__ import annotations

from audit.facts.config import container_config
from audit.facts.guest import DEFAULT_INIT, inside
from audit.facts.idmap import idmaps
from audit.host import Host, Stat
from audit.model import Fix, Unknown
from remediations.actions import ROOT, USER, Manual, Run
from remediations.config import leave_out
from remediations.quoting import word

EXECUTABLE = 0o555


def no_init(host: Host, command: str) -> Fix:
    """Start what the container has as /sbin/init; where it has none, it is not one to start."""
    entry = host.get(container_config).last("lxc.init.cmd")
    try:
        usual = command != DEFAULT_INIT and host.get(inside, DEFAULT_INIT) is not None
    except Unknown:
        usual = False
    if entry is not None and usual:
        return leave_out(host, entry, f"start {DEFAULT_INIT} of the container")
    lines = (f"# put an init into the container as {command}, or make the container anew:",)
    name = word(host.request.container or "NAME")
    again = f"lxc-destroy -n {name} && lxc-create -n {name} -t download"
    return Fix("init", f"give the container {command}", (Manual((*lines, again), USER),))


def make_executable(host: Host, path: str, stat: Stat) -> Fix | None:
    """The file is the container's: what changes it is its root, which lxc-usernsexec makes of the
    user.
    """
    if stat.kind != "file":
        return None
    maps = [f"-m {one.kind[0]}:{one.inside}:{one.outside}:{one.size}" for one in host.get(idmaps)]
    as_root = f"lxc-usernsexec {' '.join(maps)} --"
    run = Run(
        f"{as_root} chmod {stat.mode | EXECUTABLE:o} {word(path)}",
        f"{as_root} test -x {word(path)}",
        f"{as_root} chmod {stat.mode:o} {word(path)}",
        theirs=True,
    )
    return Fix("init", f"make {path} executable", (run,))


def emulate(machine: str) -> Fix:
    """A user-mode emulator that binfmt_misc knows; distributions name its package differently."""
    line = f"# install a static qemu-user for {machine}, registered with binfmt_misc(5)"
    return Fix("emulator", f"have programs for {machine} emulated", (Manual((line,), ROOT),))
