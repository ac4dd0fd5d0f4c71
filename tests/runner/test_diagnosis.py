"""Error texts of the real LXC lead to the checks that name their cause."""

from __future__ import annotations

import json
import os
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from audit.registry import builtin
from runner.diagnosis import candidates, matches, verified
from runner.patterns import NOISE, TABLE
from tests.runner.place import Place, number, obstacle
from tests.runner.record import FILE, chosen, try_all

CHECKS = builtin()
RECORDED: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
# There is no container where lxc.conf now says they are: nothing that an audit could blame.
NO_CONTAINER = {"fresh_home", "lxcconf_lxcpath_unwritable", "beyond_config_of_base_gone"}

# Of each area some, for which a host is broken once more in every run of the tests.
LIVE = """
newuidmap_nosuid newgidmap_missing subuid_none subgid_none subuid_symlink subuid_shifted
subuid_crlf conf_no_idmap conf_only_u no_new_privs path_no_uidmap ulimit_nproc chroot
sysctl_max_user_ns_0 sysctl_max_net_ns_0 proc_masked proc_ro devpts_gone
conf_missing conf_unknown_key conf_no_equals conf_include_missing conf_seccomp_missing
conf_hook_missing conf_mount_missing_src conf_console_log_unwritable conf_prlimit_raise
home_0700 lxcpath_noexec rootfs_unshifted init_missing lxcpath_root_owned cache_root_owned
lxcpath_tmpfs_small leftover_shifted_dir xdg_foreign
net_no_usernet_file net_user_not_listed net_quota_zero net_group_unknown_name net_bridge_missing
net_link_not_bridge net_usernic_nosuid net_type_macvlan net_bad_ipv4
cg2_max_descendants cg2_limit_no_controller tpl_unknown busybox_missing usernsexec_missing
account_expired
"""


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_what_lxc_said_speaks_for_the_cause(name: str) -> None:
    """Without looking at any host: the true cause is among what the text may mean."""
    entry = RECORDED[name]
    for stage in {"create", "start"} & set(entry):
        found = [check for check, _, _ in candidates(matches(entry[stage]), CHECKS)]
        cause = set(entry["cause"])
        if name not in NO_CONTAINER:
            assert cause & set(found), (stage, entry[stage], cause, found[:10])


def test_the_record_is_of_all_areas() -> None:
    areas = {cause.partition(".")[0] for entry in RECORDED.values() for cause in entry["cause"]}
    assert {"idmap", "storage", "network", "config", "userns", "session", "image"} <= areas
    assert len(RECORDED) > 200


def test_on_broken_hosts_the_cause_stands_first() -> None:
    """Break a host, let LXC fail, ask diagnose there."""
    if reason := obstacle():
        pytest.skip(reason)
    cases = {case.name: case for case in chosen(set(LIVE.split()))}
    found = try_all(list(cases.values()), min(os.cpu_count() or 1, 4) + 1, number(2))
    wrong = []
    tried = 0
    for name, said in found.items():
        assert "crashed" not in said, (name, said)
        assert said, f"{name}: LXC does not fail there any more"
        for stage, one in said.items():
            tried += 1
            top = one["explained"][:1] if isinstance(one["explained"], list) else one["explained"]
            allowed = {*cases[name].cause}
            if not isinstance(top, list) or not top or top[0] not in allowed:
                wrong.append(f"{name} {stage}: {one['explained']}, not {sorted(allowed)}")
    assert not wrong, "\n".join(wrong)
    assert tried > 60


def test_every_row_names_checks_that_there_are() -> None:
    for row in TABLE:
        re.compile(row.pattern)
        for pattern in row.checks:
            if not pattern.startswith("@"):
                assert any(fnmatchcase(check, pattern) for check in CHECKS), pattern


def test_healthy_runs_say_nothing() -> None:
    noise = (
        'ERROR cgfsng - Device or resource busy - Could not enable "+hugetlb" controllers',
        "WARN start - Operation not permitted - Failed to allocate new network namespace id",
        'ERROR utils - Unsupported config key "lxc.seccomp"',
    )
    assert all(any(re.search(one, line) for one in NOISE) for line in noise)
    assert matches("\n".join((*noise, "", "State: RUNNING"))) == []


def report(*findings: tuple[str, str, str]) -> Any:
    """A report with (check, outcome, cause it was folded under) of each."""
    return {
        "findings": [
            {
                "check": check,
                "outcome": outcome,
                "level": "blocking",
                "message": f"{check} {outcome}",
                "stages": ["create", "start"],
                "skipped_because": [cause] if cause else [],
            }
            for check, outcome, cause in findings
        ]
    }


def test_what_fails_here_comes_before_what_only_could_be() -> None:
    text = "newuidmap: uid range [0-1) -> [100000-100001) not allowed"
    found = candidates(matches(text), CHECKS)
    assert found[0][0] == "idmap.within_subids"
    told = verified(
        found,
        CHECKS,
        report(
            ("idmap.within_subids", "skipped", "idmap.subid_entry"),
            ("idmap.subid_entry", "fail", ""),
            ("idmap.subid_syntax", "pass", ""),
        ),
    )
    assert [one.check for one in told] == ["idmap.subid_entry"]
    assert told[0].findings[0]["message"] == "idmap.subid_entry fail"
    # nothing fails any more: what it may have been, the undecided first
    told = verified(
        found,
        CHECKS,
        report(("idmap.within_subids", "pass", ""), ("idmap.subid_nss", "unknown", "")),
    )
    assert told[0].check == "idmap.subid_nss" and "could not be decided" in told[0].here
    assert told[1].here.startswith("it holds now")


def test_diagnose_as_a_person_types_it(place: Place) -> None:
    place.root('sed -i.kept "/^$U:/d" /etc/subuid')
    try:
        line = "newuidmap: uid range [0-1) -> [100000-100001) not allowed"
        done = place.tool(f"diagnose '{line}'")
        assert done.code == 0 and done.out.startswith("\nidmap.subid_entry: "), done
        assert "and on this host it is true:" in done.out and "to cure it" in done.out
        assert place.tool("diagnose -", given=line).out == done.out
        found = place.tool(f"diagnose '{line}' --format json").json
        assert found[0]["check"] == "idmap.subid_entry"
        failed = place.tool("run nope")
        assert failed.code == 1 and "idmap.subid_entry" in failed.err
    finally:
        place.root("mv /etc/subuid.kept /etc/subuid")
    assert place.tool("diagnose 'all is well'").code == 1
    assert place.tool("diagnose /no/such/log").code == 2
    assert place.tool("diagnose -n base").code == 2
