"""AppArmor's restriction of user namespaces, on Ubuntu 23.10 and later."""

from __future__ import annotations

import pytest

from audit.facts import executables
from audit.facts.lsm import APPARMOR_ENABLED, Profile, loaded_profiles, profiles_on_disk
from audit.host import Host, Request, Stat
from audit.model import EVERYTHING, STARTING, Outcome, Unknown
from audit.source import Answer, Question, Refused
from audit.testing import judged, made_host, outcomes
from checks.userns.apparmor import PROGRAMS, apparmor
from tests.primed import primed

RESTRICT = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"


def program(path: str, uid: int = 0) -> executables.Executable:
    stat = Stat("file", 0o755, uid, 0, 9, 8, 1)
    return executables.Executable(path, path, stat, None, True)


def profile(name: str, *, allows: bool = True) -> Profile:
    return Profile(name, f"/usr/bin/{name}", f"/etc/apparmor.d/{name}", 4, allows)


def on(*profiles: Profile, loaded: bool | None = True, value: str | None = "1") -> Host:
    answers: dict[Question, Answer | Refused] = {}
    for name, _ in PROGRAMS:
        answers["real", f"/usr/bin/{name}"] = f"/usr/bin/{name}"
    host = made_host({RESTRICT: value, APPARMOR_ENABLED: "Y\n"}, answers)
    names = frozenset(p.name for p in profiles) if loaded else frozenset()
    primed(host, {profiles_on_disk: profiles, loaded_profiles: names})
    if loaded is None:
        primed(host, {loaded_profiles: Unknown("Permission denied")})
    for name, _ in PROGRAMS:
        found = program(f"/usr/bin/{name}")
        host._facts[(executables.which, name)] = (found, None, frozenset())
    return host


ALL = tuple(profile(name) for name, _ in PROGRAMS)


@pytest.mark.parametrize("value", [None, "0"])
def test_without_the_restriction_no_profile_is_needed(value: str | None) -> None:
    assert outcomes(apparmor, on(value=value)) == [Outcome.PASS]


def test_profiles_that_allow_it_and_are_loaded_pass() -> None:
    assert outcomes(apparmor, on(*ALL)) == [Outcome.PASS] * 3


def test_each_program_without_a_profile_is_named_with_what_it_stops() -> None:
    found = judged(apparmor, on()).findings
    assert [f.outcome for f in found] == [Outcome.FAIL] * 3
    assert {f.subject: f.stages for f in found} == {
        "/usr/bin/lxc-create": EVERYTHING,
        "/usr/bin/lxc-usernsexec": EVERYTHING,
        "/usr/bin/lxc-start": STARTING,
    }


def test_a_profile_without_a_userns_rule_fails() -> None:
    profiles = (*ALL[:2], profile("lxc-start", allows=False))
    assert outcomes(apparmor, on(*profiles)) == [Outcome.PASS, Outcome.PASS, Outcome.FAIL]


def test_a_profile_that_is_not_loaded_fails() -> None:
    assert outcomes(apparmor, on(*ALL, loaded=False)) == [Outcome.FAIL] * 3


def test_whether_it_is_loaded_may_be_unknown() -> None:
    assert outcomes(apparmor, on(*ALL, loaded=None)) == [Outcome.UNKNOWN] * 3


def test_an_existing_container_needs_lxc_start_only() -> None:
    host = on()
    host.request = Request(user="lxc", container="c")
    assert [f.subject for f in judged(apparmor, host).findings] == ["/usr/bin/lxc-start"]
