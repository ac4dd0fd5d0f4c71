from __future__ import annotations

from collections.abc import Iterator

from audit.facts.config import Config, Entry, container_config
from audit.facts.nics import shares_network
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.network import own_namespace as cure


@check(
    "The container has a network namespace of its own, or mounts no sysfs",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed", "config.namespaces"),
)
def own_namespace(host: Host) -> Iterator[Finding]:
    """The config does not keep the host's network while it has /sys mounted.

    With `lxc.net.0.type = none`, or with net in lxc.namespace.keep, the container runs in the
    host's network namespace. That belongs to the host's root, and so only the host's root may
    mount a sysfs that shows it; every template that is used here asks for /sys. One more
    interface of another type turns `none` off again.

    Where nothing mounts /sys the container starts, with the host's interfaces, ports and abstract
    sockets within reach: then this is a finding of level hardening.

    Why: 'Operation not permitted - Failed to mount "sysfs" onto ".../sys"'
    See: lxc.container.conf(5), LXC src/lxc/start.c (resolve_clone_flags), lxc/lxc#2463
    """
    shared = host.get(shares_network)
    if shared is None:
        yield Pass("the container gets a network namespace of its own")
        return
    if shared.key == "lxc.namespace.share.net":
        raise NotApplicable(f"{shared.key} = {shared.value}: the network is that of something else")
    seen = Evidence(shared.file, shared.line, f"{shared.key} = {shared.value}", "veth or empty")
    fix = cure(host, shared)
    sysfs = mounts_sysfs(host.get(container_config))
    if sysfs is None and host.request.container is not None:
        yield Fail(
            "the container shares the host's network: interfaces, ports and abstract sockets",
            seen,
            fix=fix,
            level=Level.HARDENING,
            stages=(),
        )
        return
    why = f"{sysfs.key} = {sysfs.value}" if sysfs else "the template adds lxc.mount.auto = sys:..."
    more = (Evidence(sysfs.file, sysfs.line, f"{sysfs.key} = {sysfs.value}"),) if sysfs else ()
    yield Fail(
        f"the container would share the host's network, and then /sys cannot be mounted ({why})",
        seen,
        *more,
        fix=fix,
    )


def mounts_sysfs(config: Config) -> Entry | None:
    """The line that has a sysfs mounted and does not let that fail, None when none does."""
    for entry in config.all("lxc.mount.auto"):
        if any(word == "sys" or word.startswith("sys:") for word in entry.value.split()):
            return entry
    for entry in config.all("lxc.mount.entry"):
        fields = entry.value.split()
        if len(fields) > 3 and fields[2] == "sysfs" and "optional" not in fields[3].split(","):
            return entry
    return None
