"""The checks of security modules."""

from __future__ import annotations

from typing import Any

import pytest

from audit.facts import executables
from audit.facts.apparmor import own_label
from audit.facts.config import container_config
from audit.facts.init import init_system
from audit.facts.lsm import APPARMOR, APPARMOR_ENABLED, loaded_profiles
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import Outcome
from audit.source import Answer, Question, Refused
from audit.testing import judged, made_host, outcomes
from checks.lsm.active import active
from checks.lsm.apparmor_mounts import apparmor_mounts
from checks.lsm.apparmor_profile import apparmor_profile
from checks.lsm.apparmor_session import apparmor_session
from checks.lsm.selinux_context import selinux_context
from remediations.apparmor import PARSERS
from tests.primed import config, primed

CGNS = "lxc-container-default-cgns"


def on(
    text: str = "",
    *,
    apparmor: bool = True,
    label: str = "unconfined",
    loaded: frozenset[str] = frozenset({CGNS}),
    files: dict[str, str | None] | None = None,
    mount_rules: bool = True,
) -> Host:
    there: Answer = ["file", 0o444, 0, 0, 0, 0, 1]
    answers: dict[Question, Answer | Refused] = {
        ("lstat", "/proc/self/ns/cgroup"): there,
        ("lstat", f"{APPARMOR}/features/mount/mask"): there if mount_rules else None,
        ("lstat", "/run/systemd/system"): there,
    }
    known: dict[str, str | None] = {
        APPARMOR_ENABLED: "Y\n" if apparmor else None,
        "/sys/fs/selinux/enforce": None,
        f"{APPARMOR}/features/domain/stack": "yes\n",
        "/etc/os-release": "ID=debian\n",
        **(files or {}),
    }
    facts: dict[Any, Any] = {
        container_config: config(text),
        is_mine: False,
        own_label: label,
        loaded_profiles: loaded,
    }
    host = primed(made_host(known, answers), facts)
    host._facts[(executables.which, "apparmor_parser")] = (None, None, frozenset())
    return host


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("lxc.apparmor.profile = generated", Outcome.FAIL),
        ("lxc.apparmor.profile = unconfined", Outcome.PASS),
        ("lxc.apparmor.profile = unchanged", Outcome.NOT_APPLICABLE),
        ("", Outcome.PASS),
        (f"lxc.apparmor.profile = {CGNS}", Outcome.PASS),
        ("lxc.apparmor.profile = nosuch", Outcome.FAIL),
        ("lxc.apparmor.profile = generated\nlxc.apparmor.profile = unconfined", Outcome.PASS),
    ],
)
def test_the_profile_can_be_used_by_a_user(text: str, outcome: Outcome) -> None:
    assert outcomes(apparmor_profile, on(text)) == [outcome]


def test_the_default_profile_must_be_loaded() -> None:
    found = judged(apparmor_profile, on(loaded=frozenset())).findings[0]
    assert found.outcome is Outcome.FAIL
    assert CGNS in found.message


@pytest.mark.parametrize(
    ("init", "parser", "fix"),
    [
        ("systemd", True, "service"),
        ("systemd", False, "config_line"),  # its unit loads nothing without apparmor_parser
        ("openrc", True, "config_line"),  # its script loads nothing at all
    ],
)
def test_where_nothing_would_load_it_the_container_does_without(
    init: str, parser: bool, fix: str
) -> None:
    host = on(loaded=frozenset())
    there: Answer = ["file", 0o755, 0, 0, 9, 0, 1]
    for place in PARSERS:
        host.source.answers["stat", place] = there if parser else None  # type: ignore[attr-defined]
    found = judged(apparmor_profile, primed(host, {init_system: init})).findings[0]
    assert found.fix is not None and found.fix.id == fix


@pytest.mark.parametrize(
    "text", ["lxc.apparmor.profile = generated", "", "lxc.apparmor.profile = x"]
)
def test_without_apparmor_every_profile_is_ignored(text: str) -> None:
    host = on(text, apparmor=False)
    for check in (apparmor_profile, apparmor_mounts, apparmor_session):
        assert outcomes(check, host) == [Outcome.NOT_APPLICABLE]


@pytest.mark.parametrize(
    ("text", "rules", "outcome"),
    [
        ("", True, Outcome.PASS),
        ("", False, Outcome.FAIL),
        ("lxc.apparmor.allow_incomplete = 1", False, Outcome.PASS),
        ("lxc.apparmor.profile = unconfined", False, Outcome.NOT_APPLICABLE),
    ],
)
def test_mount_rules_are_demanded_of_confined_containers(
    text: str, rules: bool, outcome: Outcome
) -> None:
    assert outcomes(apparmor_mounts, on(text, mount_rules=rules)) == [outcome]


@pytest.mark.parametrize(
    ("label", "stack", "text", "outcome"),
    [
        ("unconfined", "no\n", "", Outcome.PASS),
        ("/usr/bin/lxc-start", "no\n", f"lxc.apparmor.profile = {CGNS}", Outcome.PASS),
        ("snap.code", "yes\n", f"lxc.apparmor.profile = {CGNS}", Outcome.PASS),
        ("snap.code", "no\n", f"lxc.apparmor.profile = {CGNS}", Outcome.FAIL),
        ("snap.code", "no\n", "", Outcome.PASS),
    ],
)
def test_a_confined_session_cannot_change_the_profile_without_stacking(
    label: str, stack: str, text: str, outcome: Outcome
) -> None:
    host = on(text, label=label, files={f"{APPARMOR}/features/domain/stack": stack})
    assert outcomes(apparmor_session, host) == [outcome]


@pytest.mark.parametrize(
    ("enforce", "text", "outcome"),
    [
        (None, "lxc.selinux.context = x_t", Outcome.NOT_APPLICABLE),
        ("1", "", Outcome.PASS),
        ("0", "lxc.selinux.context = x_t", Outcome.PASS),
        ("1", "lxc.selinux.context = x_t", Outcome.UNKNOWN),
    ],
)
def test_a_selinux_context_of_its_own_takes_a_start(
    enforce: str | None, text: str, outcome: Outcome
) -> None:
    host = on(text, apparmor=False, files={"/sys/fs/selinux/enforce": enforce})
    assert outcomes(selinux_context, host) == [outcome]


def test_the_active_modules_are_told() -> None:
    host = on(files={"/sys/kernel/security/lsm": "lockdown,capability,apparmor"})
    assert judged(active, host).findings[0].message == "AppArmor on, SELinux off"
    assert outcomes(active, on(files={"/sys/kernel/security/lsm": None})) == [Outcome.PASS]
