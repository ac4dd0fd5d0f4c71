"""Where LXC keeps a user's containers: lxc.lxcpath of lxc.conf."""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.lxcconf import global_line, lxcconf_path, lxcconf_text, lxcpath
from audit.facts.mounts import Mount, mount_of
from audit.facts.paths import container_crosser, passes, uncreatable, walk
from audit.facts.places import user_crosser
from audit.facts.session import home_dir
from audit.facts.userfiles import Denied, user_list
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import ROOT, USER, Action, Append, Directory, Manual, Owner, Replace
from remediations.config import raw_line, rights
from remediations.homes import in_home
from remediations.quoting import word

LXCPATH = "lxcpath"
# Where a host keeps what its services need; the first that will do.
PLACES = ("/var/lib", "/srv", "/opt")
UNFIT = frozenset(("noexec", "nosuid", "ro", "idmapped"))
# File systems of this machine that keep owners.
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "overlay")


def elsewhere(host: Host) -> Fix | None:
    """Keep the user's containers in another place, below the home where that will do.

    None where there are containers already, which somebody has to move, or no place will do.
    """
    try:
        account = host.get(target)
        place = _place(host)
        edit = None if place is None else set_to(host, place)
    except (Unknown, NotApplicable):
        return None
    if place is None or edit is None:
        return None
    title = f"keep the containers of {account.name} in {place}"
    if in_home(host, place):
        return Fix(LXCPATH, title, (edit,))
    actions = (Directory(place, 0o711), Owner(place, account.uid, account.gid), edit)
    return Fix(LXCPATH, title, actions)


def set_to(host: Host, path: str) -> Action | None:
    """Set lxc.lxcpath in the user's lxc.conf, where the first line counts; None where that cannot
    be done with the user's rights.
    """
    file = host.get(lxcconf_path)
    if rights(host, file) != USER:
        return None
    new = f"lxc.lxcpath = {path}"
    found = global_line(host.get(lxcconf_text), "lxc.lxcpath")
    if found is None:
        return Append(file, new, theirs=True)
    old = raw_line(host, file, found[0])
    return None if old is None else Replace(file, found[0], old, new, theirs=True)


def absolute(host: Host) -> Fix:
    """Make a relative lxc.lxcpath absolute: below the home, where a login begins."""
    value, file = host.get(lxcpath), host.get(lxcconf_path)
    path = f"{host.get(target).home.rstrip('/')}/{value}"
    title = f"make lxc.lxcpath absolute in {file}"
    try:
        edit = set_to(host, path)
    except (Unknown, NotApplicable):
        edit = None
    line = f"# lxc.lxcpath = {path} in {file}"
    return Fix(LXCPATH, title, (edit or Manual((line,), USER),))


def by_hand(host: Host, *commands: str) -> Fix:
    """What a person can do instead: `commands` as root, or to move what is there."""
    try:
        file = host.get(lxcconf_path)
    except (Unknown, NotApplicable):
        file = "~/.config/lxc/lxc.conf"
    lines = (
        *commands,
        *(("# or:",) if commands else ()),
        "# move the containers to a directory of the user's on a local file system, and name it:",
        f"echo 'lxc.lxcpath = DIRECTORY' >> {word(file)}",
    )
    return Fix(
        LXCPATH, "keep the containers elsewhere", (Manual(lines, ROOT if commands else USER),)
    )


def _place(host: Host) -> str | None:
    """A directory that can be made for the user, None where none can or containers are in the
    old.
    """
    if host.request.container is not None:
        return None
    names = host.get(user_list, host.get(lxcpath))
    if names or isinstance(names, Denied):
        return None
    root, user = host.get(container_crosser), host.get(user_crosser)
    tree = host.source.kind == "root"
    usual = f"{host.get(home_dir)}/.local/share/lxc"
    can_make = usual != host.get(lxcpath) and host.get(uncreatable, usual, user) is None
    if can_make and _is_fit(host.get(mount_of, host.get(walk, usual).here), tree=tree):
        return usual
    for base in PLACES:
        path = f"{base}/lxc-{host.get(target).name}"
        way = host.get(walk, path)
        above = way.steps[-1]
        if way.missing != (path.rpartition("/")[2],) or above.path != base:
            continue
        if not all(passes(step, who) for step in way.steps for who in (root, user) if who):
            continue
        if _is_fit(host.get(mount_of, base), tree=tree):
            return path
    return None


def _is_fit(mount: Mount | None, *, tree: bool) -> bool:
    if mount is None:
        return tree  # whose fstab says nothing about the file system it lies on
    return mount.fstype in LOCAL and not UNFIT & (mount.flags | mount.options)
