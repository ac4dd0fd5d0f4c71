from collections.abc import Iterator

from audit.facts.config import Config, Entry, container_config
from audit.facts.wanted import auto_mounts, template
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)
from remediations.config import leave_out, put


@check(
    "The container gets every namespace that it needs of its own",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def namespaces(host: Host) -> Iterator[Finding]:
    """lxc.namespace.keep, .clone and .share leave the container what its start needs.

    Only in a user namespace of its own may it mount; /proc can be mounted only in its own PID
    namespace, and its host name set only in its own UTS namespace. A user may not enter the
    namespaces of the host either. The network is judged by network.own_namespace.

    Why: "Operation not permitted - Failed to clone a new set of namespaces", "Operation not
    permitted - Failed to mount "proc"", "Operation not permitted - Failed to set the hostname"
    See: lxc.container.conf(5) "NAMESPACE", user_namespaces(7), LXC src/lxc/start.c
    """
    config = host.get(container_config)
    keep, clone = config.last("lxc.namespace.keep"), config.last("lxc.namespace.clone")
    shared = config.below("lxc.namespace.share.")
    if keep is None and clone is None and not shared:
        raise NotApplicable("the container gets all of its namespaces")
    entry = keep or clone
    if entry is not None:
        yield own(host, config, entry)
    for share in shared:
        yield joined(host, share)


def own(host: Host, config: Config, entry: Entry) -> Finding:
    """What lxc.namespace.keep or .clone leaves out."""
    words = set(entry.value.split())
    every = {"user", "mnt", "pid", "uts", "ipc", "net", "cgroup"}
    missing = words if entry.key.endswith(".keep") else every - words
    seen = Evidence(entry.file, entry.line, entry.text, "user, mnt, pid and uts of its own")
    mounts = host.get(auto_mounts)
    named = config.get("lxc.uts.name") is not None or host.get(template) is not None
    needs = {
        "user": "everything else takes one: the clone is refused",
        "mnt": "its file systems cannot be mounted",
        "pid": "its /proc cannot be mounted" if "proc" in mounts else "",
        "uts": "its host name cannot be set" if named else "",
    }
    for name, why in needs.items():
        if name in missing and why:
            message = f"{entry.text}: the container has no {name} namespace of its own, so {why}"
            fix = with_namespaces(host, entry, [one for one, why in needs.items() if why])
            return Fail(message, seen, subject=entry.key, fix=fix)
    return Pass(f"{entry.text} leaves what a start needs", seen, subject=entry.key)


def joined(host: Host, entry: Entry) -> Finding:
    """lxc.namespace.share.NAME: a container's name, a PID or a path."""
    seen = Evidence(entry.file, entry.line, entry.text, "no such line")
    if entry.value.isdigit() or entry.value.startswith("/"):
        message = f"{entry.text}: a user's container may not enter a namespace of the host"
        return Fail(message, seen, subject=entry.key, fix=leave_out(host, entry))
    message = f"{entry.text}: whether {entry.value} is running and may be joined is not known"
    return Undecided(message, seen, subject=entry.key)


def with_namespaces(host: Host, entry: Entry, needed: list[str]) -> Fix:
    """The same list with what a start needs of its own."""
    words = entry.value.split()
    if entry.key.endswith(".keep"):
        words = [word for word in words if word not in needed]
    else:
        words += [name for name in needed if name not in words]
    return put(host, entry, " ".join(words)) if words else leave_out(host, entry)
