"""What the audit says of the recorded hosts as a whole; each was really that way."""

from __future__ import annotations

import pytest

from audit.engine import run
from audit.model import Finding, Outcome
from audit.registry import builtin
from audit.verdict import Verdict, predict, verdict
from tests.recordings import HEALTHY, names, recorded

EVERY = builtin()

# host -> the checks of which one names its cause
CAUSES = {
    "account_expired": {"session.login"},
    "conf_hook_missing": {"config.hooks"},
    "conf_range_plus1": {"idmap.within_subids"},
    "conf_unknown_key": {"config.keys_known"},
    "home_0700": {"storage.path_access"},
    "home_acl_masked": {"storage.path_access"},
    "init_missing": {"config.init"},
    "lxcpath_noexec": {"storage.noexec"},
    "newuidmap_missing": {"idmap.helper_present"},
    "newuidmap_nosuid": {"idmap.helper_privileged"},
    "rootfs_unshifted": {"storage.rootfs"},
    "subuid_crlf": {"idmap.subid_syntax"},
    "subuid_none": {"idmap.subid_entry"},
    "sysctl_max_user_ns_0": {"userns.limits.user"},
}


def test_a_healthy_host_is_ready_and_nothing_is_held_against_it() -> None:
    results = run(EVERY, recorded(HEALTHY))
    assert verdict(results) is Verdict.READY
    assert {p.verdict for p in predict(results).values()} == {"yes"}


@pytest.mark.parametrize("name", sorted(CAUSES))
def test_a_broken_host_has_one_cause_and_that_is_named(name: str) -> None:
    results = run(EVERY, recorded(name))
    healthy = run(EVERY, recorded(HEALTHY))
    failed = {one.check.id for one in results if fails(one.findings)}
    usual = {one.check.id for one in healthy if fails(one.findings)}
    assert verdict(results) is Verdict.NOT_READY
    assert failed - usual == CAUSES[name]


def fails(findings: tuple[Finding, ...]) -> bool:
    return any(finding.outcome is Outcome.FAIL for finding in findings)


@pytest.mark.parametrize("name", names())
def test_unknown_is_rare(name: str) -> None:
    findings = [f for one in run(EVERY, recorded(name)) for f in one.findings]
    unknown = [f.message for f in findings if f.outcome is Outcome.UNKNOWN]
    hint = "were they recorded before a check asked more? As root: python -m tests.record"
    assert len(unknown) <= 0.03 * len(findings), "\n".join([*unknown, hint])
