"""What LXC will ask of AppArmor for the judged container (LXC src/lxc/lsm/apparmor.c,
apparmor_prepare).
"""

from __future__ import annotations

from audit.facts.config import Entry, container_config
from audit.facts.lsm import APPARMOR, is_apparmor_enabled
from audit.facts.session import is_mine
from audit.host import Host

DEFAULT_WITH_CGROUP_NAMESPACES = "lxc-container-default-cgns"
DEFAULT = "lxc-container-default"
# The label that LXC's own profile gives lxc-start; it may change to a container's profile.
OWN_LABEL = "/usr/bin/lxc-start"


def asked_profile(host: Host) -> Entry | None:
    """The line that decides the profile, None when the config has none and LXC takes its
    default.
    """
    config = host.get(container_config)
    return config.last("lxc.apparmor.profile") or config.last("lxc.aa_profile")


def label(host: Host) -> str:
    """`generated`, `unchanged`, `unconfined`, or the name of the profile that the container will
    get.
    """
    entry = host.get(asked_profile)
    if entry is not None:
        return entry.value
    has_cgroup_namespaces = host.lstat("/proc/self/ns/cgroup") is not None
    return DEFAULT_WITH_CGROUP_NAMESPACES if has_cgroup_namespaces else DEFAULT


def is_judged(host: Host) -> bool:
    """Whether AppArmor has a say in the start at all."""
    return host.get(is_apparmor_enabled) and host.get(label) != "unchanged"


def can_stack(host: Host) -> bool:
    """Whether profiles can be stacked, by liblxc's test."""
    text = host.read(f"{APPARMOR}/features/domain/stack") or ""
    return text.startswith("yes")


def own_label(host: Host) -> str:
    """The label of the session: that of the asking process, and `unconfined` at a login.

    PAM and sshd run unconfined everywhere but in policies that somebody wrote for them.
    """
    if not host.get(is_mine):
        return "unconfined"
    text = host.read("/proc/self/attr/apparmor/current")
    if text is None:
        text = host.read("/proc/self/attr/current") or "unconfined"
    return text.split()[0] if text.split() else "unconfined"
