"""AppArmor and SELinux as the host shows them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.lsm import (
    APPARMOR,
    APPARMOR_ENABLED,
    allows_userns,
    attaches,
    is_apparmor_enabled,
    is_loaded,
    loaded_profiles,
    parse_profiles,
    selinux_mode,
)
from audit.model import Unknown
from audit.source import Answer, Question, Refused
from audit.testing import made_host

UBUNTU = """abi <abi/4.0>,
include <tunables/global>

profile lxc-usernsexec /usr/bin/lxc-usernsexec flags=(unconfined) {
  userns,

  # Site-specific additions and overrides.
  include if exists <local/lxc-usernsexec>
}
"""
OLD = """#include <tunables/global>

/usr/bin/lxc-start flags=(attach_disconnected) {
  #include <abstractions/lxc/start-container>
}
"""


def test_ubuntus_profile_allows_user_namespaces() -> None:
    (profile,) = parse_profiles("/etc/apparmor.d/lxc-usernsexec", UBUNTU)
    assert profile.name == "lxc-usernsexec"
    assert profile.attachment == "/usr/bin/lxc-usernsexec"
    assert profile.line == 4
    assert profile.allows_userns


def test_a_policy_of_an_older_abi_does_not_mediate_them() -> None:
    (profile,) = parse_profiles("/etc/apparmor.d/usr.bin.lxc-start", OLD)
    assert (profile.attachment, profile.allows_userns) == ("/usr/bin/lxc-start", True)


@pytest.mark.parametrize(
    "line",
    [
        "#include <abstractions/lxc/start-container>",  # as Ubuntu's lxc 5.0.3 ships it
        "include if exists <abstractions/lxc/start-container>",
        'include "/etc/apparmor.d/abstractions/lxc/start-container"',
        "include <abstractions/lxc>",  # a directory: all of it
        "include <local/lxc-start>",
    ],
)
def test_the_userns_rule_may_be_in_what_a_profile_includes(line: str) -> None:
    text = f"abi <abi/4.0>,\n/usr/bin/lxc-start flags=(attach_disconnected) {{\n  {line}\n}}\n"
    (profile,) = parse_profiles("/etc/apparmor.d/usr.bin.lxc-start", text)
    assert not profile.allows_userns
    policy = "/etc/apparmor.d"
    start, own = f"{policy}/abstractions/lxc/start-container", f"{policy}/local/lxc-start"
    directory: Answer = ["directory", 0o755, 0, 0, 0, 0, 1]
    answers: dict[Question, Answer | Refused] = {
        ("stat", f"{policy}/abstractions/lxc"): directory,
        ("list", f"{policy}/abstractions/lxc"): ["start-container"],
    }
    files: dict[str, str | None] = {start: "  userns,\n  file,\n", own: f"include <{start[16:]}>\n"}
    assert made_host(files, answers).get(allows_userns, profile)
    files[start] = "  file,\n  include <local/lxc-start>\n"
    assert not made_host(files, answers).get(allows_userns, profile)


def test_a_profile_of_the_new_abi_without_a_userns_rule_does_not_allow_them() -> None:
    (profile,) = parse_profiles("/x", UBUNTU.replace("  userns,\n", ""))
    assert not profile.allows_userns


@pytest.mark.parametrize(
    ("attachment", "program", "expected"),
    [
        ("/usr/bin/lxc-start", "/usr/bin/lxc-start", True),
        ("/usr/bin/lxc-*", "/usr/bin/lxc-start", True),
        ("/usr/{,local/}bin/lxc-start", "/usr/local/bin/lxc-start", True),
        ("/usr/{bin,sbin}/lxc-start", "/usr/local/bin/lxc-start", False),
        ("@{bin}/lxc-start", "/usr/bin/lxc-start", True),
        ("/usr/*/lxc-start", "/usr/local/bin/lxc-start", False),
        ("/usr/**", "/usr/local/bin/lxc-start", True),
        ("", "/usr/bin/lxc-start", False),
        ("/usr/bin/lxc-start[", "/usr/bin/lxc-start", False),
    ],
)
def test_attachments_are_apparmors_globs(attachment: str, program: str, expected: bool) -> None:
    assert attaches(attachment, program) is expected


def test_the_list_of_profiles_has_a_fallback_for_those_who_are_not_root() -> None:
    names: list[str] = ["lxc-container-default-cgns.12", "usr.bin.lxc-start.3"]
    host = made_host(
        {},
        {
            ("read", f"{APPARMOR}/profiles"): Refused("Permission denied"),
            ("list", f"{APPARMOR}/policy/profiles"): list(names),
        },
    )
    assert host.get(is_loaded, "lxc-container-default-cgns")
    assert host.get(is_loaded, "/usr/bin/lxc-start")
    assert not host.get(is_loaded, "lxc-container-default")


def test_the_list_of_profiles_for_root() -> None:
    text = "lxc-container-default-cgns (enforce)\n/usr/bin/man (complain)\n"
    host = made_host({f"{APPARMOR}/profiles": text})
    assert host.get(loaded_profiles) == {"lxc-container-default-cgns", "/usr/bin/man"}


def test_no_securityfs_is_unknown_and_not_an_empty_list() -> None:
    host = made_host(
        {f"{APPARMOR}/profiles": None}, {("list", f"{APPARMOR}/policy/profiles"): None}
    )
    with pytest.raises(Unknown):
        host.get(loaded_profiles)


@pytest.mark.parametrize(("text", "on"), [("Y\n", True), ("N\n", False), (None, False)])
def test_apparmor_is_on_when_liblxc_finds_it_on(text: str | None, on: bool) -> None:
    assert made_host({APPARMOR_ENABLED: text}).get(is_apparmor_enabled) is on


@pytest.mark.parametrize(("text", "mode"), [("1", "enforcing"), ("0", "permissive"), (None, "off")])
def test_selinux_modes(text: str | None, mode: str) -> None:
    assert made_host({"/sys/fs/selinux/enforce": text}).get(selinux_mode) == mode


@given(st.text(alphabet='profile /a*{}[]()"@, userns#abi<4.0>\n', max_size=300))
def test_any_text_is_a_policy(text: str) -> None:
    for profile in parse_profiles("/x", text):
        attaches(profile.attachment, "/usr/bin/lxc-start")


def test_a_long_policy_is_read_in_time() -> None:
    started = time.perf_counter()
    parse_profiles("/x", "profile a" + " /b" * 30_000 + "\n" + UBUNTU * 200)
    assert time.perf_counter() - started < 2
