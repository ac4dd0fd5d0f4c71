"""Two and three sabotages at once: every independent cause has to be named, and no consequence."""

from tests.truth.case import Case
from tests.truth.cases import config, idmap, kernel, network, session, storage

PARTS = {
    case.name: case
    for module in (config, idmap, kernel, network, session, storage)
    for case in module.CASES
}
TOGETHER = (
    ("home_0700", "subuid_none"),
    ("home_0700", "net_no_usernet_file"),
    ("newuidmap_nosuid", "subgid_none"),
    ("newuidmap_nosuid", "local_0700"),
    ("conf_range_plus1", "lxcpath_0700"),
    ("conf_unknown_key", "newgidmap_missing"),
    ("conf_hook_missing", "home_acl_masked"),
    ("net_usernic_nosuid", "net_bridge_missing"),
    ("net_no_usernet_file", "conf_seccomp_missing"),
    ("proc_sys_ro", "home_0700"),
    ("lxcpath_noexec", "subuid_short1"),
    ("cache_root_owned", "home_0700"),
    ("busybox_missing", "home_0700"),
    ("conf_missing", "newuidmap_missing"),
    ("home_0700", "subuid_none", "net_no_usernet_file"),
    ("newuidmap_nosuid", "home_0700", "conf_hook_missing"),
    ("proc_masked", "net_quota_zero", "local_0700"),
    ("subuid_crlf", "home_gid_trap", "usernsexec_missing"),
    # a cause hidden behind something that only looks wrong
    ("home_0711", "subuid_none"),
    ("idmap_filecaps", "home_0700"),
    ("subuid_by_uid", "net_quota_zero"),
)


def combine(names: tuple[str, ...]) -> Case:
    """One case that does what several do, one after the other."""
    parts = [PARTS[name] for name in names]
    causes = tuple(part.cause for part in parts if part.cause)
    together = tuple(dict.fromkeys(name for cause in causes for name in cause))
    script = "\n".join(part.sabotage for part in parts)
    return Case("+".join(names), script, together, parts=causes)


CASES = tuple(combine(names) for names in TOGETHER)
