"""A part of the table of cures; `make cures` is the whole."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.truth import cures, run
from tests.truth.case import Case
from tests.truth.cases import every

# One of each mechanism: ids, helpers, configs, directories, networks, the kernel, accounts.
CHOSEN = """
home_0700 home_acl_masked lxcpath_noexec rootfs_unshifted newuidmap_nosuid subuid_none subuid_crlf
subuid_symlink conf_missing conf_unknown_key conf_range_plus1 net_no_usernet_file
net_quota_exhausted net_usernic_nosuid sysctl_max_user_ns_0 account_expired
home_0700+subuid_none
"""


def test_what_fix_cures_starts_for_real_and_is_taken_back() -> None:
    """One test, so that it is one process of pytest-xdist that makes worlds and starts workers."""
    if reason := run.obstacle():
        pytest.skip(reason)
    known = {case.name: case for case in every()}
    table: list[cures.Row] = []

    def report(case: Case, result: dict[str, Any]) -> None:
        table.extend(cures.rows(case, result))

    chosen = [known[name] for name in CHOSEN.split()]
    run.run(chosen, (os.cpu_count() or 1) + 1, report, "tests.truth.mending")
    bad = [f"{row.case} {row.container}: {row.verdict}: {row.why}" for row in table]
    bad = [line for line, row in zip(bad, table, strict=True) if row.verdict != cures.FIXED]
    assert not bad, "\n".join(bad)
    assert {row.case for row in table} == {case.name for case in chosen}, "not all were broken"
