from collections.abc import Iterator

from audit.facts.config import Entry, container_config
from audit.facts.wanted import auto_mounts, own_namespaces
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)
from remediations.config import leave_out

# Not in a network namespace of its own (kernel net/core/sysctl_net_core.c), so root's on the host.
GLOBAL_NET = ("net.core.", "net.netfilter.nf_log", "net.bridge.")
OWN_NET = ("net.core.somaxconn", "net.core.xfrm_")
# Of the IPC namespace, and the container's own since Linux 5.19 (ipc/ipc_sysctl.c, mq_sysctl.c).
OWN_IPC = ("kernel.shm", "kernel.sem", "kernel.msg", "fs.mqueue.")


@check(
    "The container may set the sysctls of its config",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def sysctl(host: Host) -> Iterator[Finding]:
    """Each lxc.sysctl.* is one of the container's own namespaces, and is there.

    The container's root writes it after the start of its namespaces. With `proc:mixed`, which every
    template asks for, /proc/sys is read-only except for /proc/sys/net. Of the rest only the keys
    of the IPC namespace may be set, with `proc:rw`.

    Why: "Read-only file system - Failed to setup sysctl parameters kernel.panic"
    See: lxc.container.conf(5) "SYSCTL", LXC src/lxc/conf.c (setup_sysctl_parameters)
    """
    entries = host.get(container_config).below("lxc.sysctl.")
    if not entries:
        raise NotApplicable("the config sets no sysctls")
    for entry in {entry.key: entry for entry in entries}.values():
        name = entry.key.removeprefix("lxc.sysctl.")
        seen = Evidence(entry.file, entry.line, entry.text)
        why, unknown = obstacle(host, entry, name)
        if why:
            fix = leave_out(host, entry)
            yield Fail(f"{name} cannot be set in the container: {why}", seen, subject=name, fix=fix)
        elif unknown:
            yield Undecided(f"{name}: {unknown}", seen, subject=name)
        else:
            yield Pass(f"{name} is the container's own", seen, subject=name)


def obstacle(host: Host, entry: Entry, name: str) -> tuple[str, str]:
    """(why it cannot be set, why that is not known)."""
    proc = host.get(auto_mounts).get("proc")
    if name.startswith("net."):
        if "net" not in host.get(own_namespaces):
            return "it is the host's network that the container shares", ""
        if host.source.kind != "root" and host.lstat(f"/proc/sys/{name.replace('.', '/')}") is None:
            return "this kernel does not have it", ""
        if name.startswith(GLOBAL_NET) and not name.startswith(OWN_NET):
            return "it is one for all network namespaces, which only root of the host may set", ""
        return "", ""
    if proc == "mixed":
        return "lxc.mount.auto = proc:mixed makes all but net.* read-only", ""
    if name.startswith(OWN_IPC):
        return "", "it takes a try" if proc is None else ""
    if name.startswith("user."):
        return "", ""
    return "it belongs to the host", ""
