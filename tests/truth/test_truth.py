"""A part of the table that has something of everything; `make truth` is the whole."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest

from tests.truth import run, table
from tests.truth.case import Case
from tests.truth.cases import every

# About every fifth of each area, and the ones that each stage and way of asking hangs on.
CHOSEN = """
healthy home_0700 acl_home_only home_acl_masked home_gid_trap cache_root_owned lxcpath_noexec
lxcpath_symlink lxcpath_root_owned rootfs_unshifted init_missing leftover_shifted_dir
newuidmap_nosuid newgidmap_missing idmap_filecaps subuid_none subuid_crlf subuid_by_uid
subuid_split2 subuid_symlink conf_range_plus1 conf_own_uid_hole no_new_privs path_no_uidmap
conf_missing conf_unknown_key conf_include_both conf_seccomp_missing conf_hook_missing
conf_mount_optional conf_mount_missing_src tpl_unknown busybox_missing
sysctl_max_user_ns_0 sysctl_max_net_ns_0 sysctl_max_time_ns_0 proc_masked sys_ro
net_working net_no_usernet_file net_line_trailing_comment net_line_colons net_quota_exhausted
net_group_supp net_bridge_missing net_usernic_nosuid net_no_flags_up net_type_macvlan
account_expired nopam_session xdg_foreign umask_077 ulimit_nofile chroot home_unset
cg1_nopam cg_none_mounted cg1_limit_memory cg2_limit_undelegated cg2_delegated cg2_max_descendants
harmless_huge_subuid harmless_config_junk_lines harmless_home_is_symlink harmless_no_etc_lxc
harmless_usernet_huge harmless_dead_container_dirs
beyond_lxcpath_is_file beyond_usernet_negative beyond_cap_unknown beyond_arch_i686
home_0700+subuid_none net_usernic_nosuid+net_bridge_missing home_0711+subuid_none
home_0700+subuid_none+net_no_usernet_file newuidmap_nosuid+home_0700+conf_hook_missing
"""


@pytest.fixture(scope="module")
def chosen() -> list[Case]:
    if reason := run.obstacle():
        pytest.skip(reason)
    known = {case.name: case for case in every()}
    cases = [known[name] for name in CHOSEN.split()]
    for case in cases:
        if missing := run.tools_missing(case):
            warnings.warn(f"not tried: {case.name} needs {', '.join(missing)}", stacklevel=1)
    return [case for case in cases if not run.tools_missing(case)]


def test_real_containers_do_what_every_way_of_asking_predicts(chosen: list[Case]) -> None:
    """One test, so that it is one process of pytest-xdist that makes worlds and starts workers."""
    rows: list[table.Row] = []
    surprises: dict[str, str] = {}

    def report(case: Case, result: dict[str, Any]) -> None:
        rows.extend(table.rows(case, result))
        if words := table.surprise(case, result):
            surprises[case.name] = words

    run.run(chosen, (os.cpu_count() or 1) + 1, report)
    assert not surprises, f"reality is not what these cases are for: {surprises}"
    ours = [row for row in rows if row.way in ("", *table.WAYS)]
    bad = [table.line(row) for row in ours if row.verdict in table.BAD]
    assert not bad, "\n".join(["", *bad])
    predictions = [row for row in ours if row.stage in table.STAGES]
    unknown = [table.line(row) for row in predictions if row.verdict == "unknown"]
    assert len(unknown) <= 0.03 * len(predictions), "\n".join(["", *unknown])
