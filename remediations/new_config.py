"""How a user gets a config that new containers begin with."""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.config import Config, config_at
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations import lxcnet
from remediations.actions import Action, Mode, Owner
from remediations.aside import aside
from remediations.config import append, is_below
from remediations.distro import init_of
from remediations.idmap import map_root

SHIPPED = "/etc/lxc/default.conf"
WRITABLE = 0o022
READ, PASS = 0o600, 0o700


def begin(host: Host, path: str) -> Fix:
    """A config that maps what the user has been granted, with the network of the distribution's
    own where that works for a user as it is; without a network otherwise.
    """
    mapping = map_root(host, "uid", "gid")
    if mapping is not None and mapping.id not in ("idmap", "subids"):
        mapping = None  # something comes before that, and the maps with the next round
    title = f"begin {path}" + (f": {mapping.title}" if mapping else "")
    first = f"lxc.include = {SHIPPED}" if _is_usable(host) else "# what new containers begin with"
    actions = (*_in_the_way(host, path), *append(host, first))
    return Fix("config_file", title, (*actions, *(mapping.actions if mapping else ())))


def give_back(host: Host, path: str) -> Fix | None:
    """Make the user own a config below the home, and what leads to it. Root must not do that for
    any other file: a user's lxc.conf may name every file of the host. None where that is so.
    """
    try:
        account = host.get(target)
        if host.real(path) != path or not is_below(path, account.home):
            return None
        actions: list[Action] = []
        place = account.home.rstrip("/")
        for name in path.removeprefix(place).strip("/").split("/"):
            place = f"{place}/{name}"
            found = host.lstat(place)
            if found is None or found.kind not in ("directory", "file"):
                return None
            if found.uid != account.uid:
                actions.append(Owner(place, account.uid, account.gid))
            wanted = found.mode | (PASS if found.kind == "directory" else READ)
            if wanted != found.mode:
                actions.append(Mode(place, wanted, theirs=True))
    except (Unknown, NotApplicable):
        return None
    if not actions:
        return None
    return Fix("config_owner", f"give {path} to {account.name}", tuple(actions))


def cure(host: Host, path: str, *, is_denied: bool) -> Fix | None:
    """What makes a config that cannot be read one that can."""
    if is_denied and not _in_the_way(host, path):
        return give_back(host, path)
    return begin(host, path)


def _in_the_way(host: Host, path: str) -> tuple[Action, ...]:
    """What stands where the config belongs, and is no file."""
    try:
        found = host.lstat(path)
    except Unknown:
        return ()
    if found is None or found.kind == "file":
        return ()
    return aside(host, f"take away what stands where {path} belongs", path).actions


def _is_usable(host: Host) -> bool:
    """Whether LXC takes the distribution's config, and a user's container gets what it asks for: no
    network, or one on a bridge that is there or that lxc-net only has to be started for.
    """
    try:
        stat = host.stat(SHIPPED)
        if stat is None or stat.uid != 0 or stat.mode & WRITABLE:
            return False
        shipped = host.get(config_at, SHIPPED)
        return not shipped.problems and bool(shipped.live) and _suits_a_user(host, shipped)
    except (Unknown, NotApplicable):
        return False


def _can_be_had(host: Host, bridge: str) -> bool:
    if host.lstat(f"/sys/class/net/{bridge}/bridge") is not None:
        return True
    net = lxcnet.settings(host)
    return (
        net is not None
        and net.enabled
        and net.bridge == bridge
        and init_of(host) in lxcnet.RESTART  # something runs that starts it
    )


def _suits_a_user(host: Host, shipped: Config) -> bool:
    for entry in shipped.live:
        part = entry.key.rpartition(".")[2]
        is_net = entry.key.startswith("lxc.net.")
        if is_net and part == "type" and entry.value not in ("veth", "empty"):
            return False
        if is_net and part == "link" and not _can_be_had(host, entry.value):
            return False
        if entry.key in ("lxc.idmap", "lxc.rootfs.path"):
            return False
    return True
