"""Which seccomp policy a container gets: LXC's own, where it is there."""

from __future__ import annotations

from audit.facts.config import Entry
from audit.facts.userfiles import user_read
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.config import append, put
from remediations.distro import install

POLICY = "/usr/share/lxc/config/common.seccomp"


def common_policy(host: Host) -> Fix | None:
    """Have LXC's policy; None where it is not there."""
    if not _is_there(host):
        return None
    return Fix("seccomp", "use LXC's policy", append(host, f"lxc.seccomp.profile = {POLICY}"))


def instead_of(host: Host, entry: Entry) -> Fix:
    """LXC's policy in the place of one that cannot be loaded, never none; where that one is LXC's,
    its package anew.
    """
    if entry.value == POLICY or not _is_there(host):
        return install(host, "lxc")
    return put(host, entry, POLICY, "use LXC's policy")


def _is_there(host: Host) -> bool:
    try:
        return isinstance(host.get(user_read, POLICY), str)
    except (Unknown, NotApplicable):
        return False
