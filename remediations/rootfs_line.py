"""How a container's config says where its root file system is."""

from __future__ import annotations

from audit.facts.config import Entry, container_config
from audit.facts.guest import container_dir
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.actions import Manual
from remediations.config import append, leave_out, put


def name_it(host: Host) -> Fix | None:
    """Name the directory that LXC makes beside the config, where there is one."""
    try:
        place = f"{host.get(container_dir)}/rootfs"
        found = host.lstat(place)
    except Unknown:
        return None
    if found is None or found.kind != "directory":
        return None
    line = f"lxc.rootfs.path = dir:{place}"
    return Fix("config_line", f"write {line}", append(host, line))


def without_idmap(host: Host, options: Entry) -> Fix:
    """Take the id map out of the options. What files of the container belong to is another thing:
    they are to be shifted to the ids that lxc.idmap has.
    """
    kept = [one for one in options.value.split(",") if not one.startswith("idmap=")]
    title = "mount the root file system without an id map"
    fix = put(host, options, ",".join(kept), title) if kept else leave_out(host, options, title)
    path = host.get(container_config).get("lxc.rootfs.path") or "the root file system"
    shift = f"# shift the owners of what is in {path} to the ids of lxc.idmap, as root"
    return fix._replace(actions=(*fix.actions, Manual((shift,))))
