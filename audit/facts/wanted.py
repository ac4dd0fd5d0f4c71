"""What the judged container will ask of the kernel: namespaces, and its own /proc and /sys.

A new container also gets what the template of lxc-create writes into its config. Source: LXC
src/lxc/start.c (resolve_clone_flags), src/lxc/confile.c (set_config_mount_auto), the templates."""

from __future__ import annotations

from audit.facts.config import container_config
from audit.facts.nics import shares_network
from audit.host import Host

# lxc.namespace.keep and .clone take these names (LXC src/lxc/namespace.c)
NAMESPACES = ("mnt", "pid", "uts", "ipc", "net", "cgroup")

# template -> what it adds for lxc.mount.auto; `download` includes common.conf and userns.conf
TEMPLATE_MOUNTS = {
    "busybox": ("proc:mixed", "sys:ro"),
    "download": ("proc:mixed", "sys:rw"),
    "local": ("proc:mixed", "sys:rw"),
    "oci": ("proc:mixed", "sys:mixed"),
    "none": (),
}


def template(host: Host) -> str | None:
    """The template that will make the container; None when the container is there already."""
    if host.request.container is not None:
        return None
    if host.request.template is not None:
        return host.request.template
    return "download" if host.request.guest == "systemd" else "busybox"


def own_namespaces(host: Host) -> frozenset[str]:
    """The namespaces that the container gets of its own, besides the user namespace."""
    config = host.get(container_config)
    keep = {word for e in config.all("lxc.namespace.keep") for word in e.value.split()}
    clone = {word for e in config.all("lxc.namespace.clone") for word in e.value.split()}
    if keep:
        wanted = set(NAMESPACES) - keep
    elif clone:
        wanted = set(NAMESPACES) & clone
    else:
        wanted = set(NAMESPACES)
    if host.get(shares_network) is not None:
        wanted.discard("net")
    shared = {entry.key.rpartition(".")[2] for entry in config.below("lxc.namespace.share.")}
    return frozenset(wanted - shared)


def auto_mounts(host: Host) -> dict[str, str]:
    """How the container mounts its own `proc` and `sys`: mixed, ro or rw; a missing key means not
    at all.
    """
    words = [
        word
        for entry in host.get(container_config).all("lxc.mount.auto")
        for word in entry.value.split()
    ]
    kind = host.get(template)
    words.extend(TEMPLATE_MOUNTS.get(kind, TEMPLATE_MOUNTS["download"]) if kind else ())
    found: dict[str, str] = {}
    for word in words:
        name, _, mode = word.partition(":")
        if name in ("proc", "sys"):
            found[name] = mode or "mixed"
    return found
