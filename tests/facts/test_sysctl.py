"""Kernel parameters, in force and at the next boot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.sysctl import (
    DIRECTORIES,
    Setting,
    normal,
    parse_sysctl,
    persisted_files,
    persisted_sysctl,
    sysctl,
)
from audit.host import Host
from audit.source import Answer, Question, Refused
from audit.testing import made_host

KEY = "user.max_user_namespaces"


def on(files: dict[str, str], links: dict[str, str] | None = None) -> Host:
    answers: dict[Question, Answer | Refused] = {("list", d): None for d in DIRECTORIES}
    known: dict[str, str | None] = {"/etc/sysctl.conf": None, **files}
    for path in known:
        directory, _, name = path.rpartition("/")
        answers["link", path] = (links or {}).get(path)
        if directory in DIRECTORIES:
            before = answers["list", directory]
            names = [str(n) for n in before] if isinstance(before, list) else []
            listed: list[Answer] = [*sorted([*names, name])]
            answers["list", directory] = listed
    return made_host(known, answers)


def test_the_value_in_force_comes_from_proc() -> None:
    host = made_host({"/proc/sys/user/max_user_namespaces": "96364\n"})
    assert host.get(sysctl, KEY) == "96364"


def test_a_parameter_this_kernel_does_not_have_is_none() -> None:
    path = "/proc/sys/kernel/unprivileged_userns_clone"
    assert made_host({path: None}).get(sysctl, "kernel.unprivileged_userns_clone") is None


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.enp3s0/200.forwarding", "net/ipv4/conf/enp3s0.200/forwarding"),
        ("net/ipv4/conf/enp3s0.200/forwarding", "net/ipv4/conf/enp3s0.200/forwarding"),
        ("hostname", "hostname"),
    ],
)
def test_dots_and_slashes_change_places_as_in_sysctl_d(key: str, path: str) -> None:
    assert normal(key) == path


def test_files_are_read_in_the_order_of_their_names_whatever_their_directory() -> None:
    host = on(
        {
            "/usr/lib/sysctl.d/50-default.conf": f"{KEY} = 1\n",
            "/etc/sysctl.d/10-mine.conf": f"{KEY} = 2\n",
            "/run/sysctl.d/99-stig.conf": f"# STIG\n{KEY} = 0\n",
        }
    )
    assert host.get(persisted_sysctl, KEY) == Setting(
        "user/max_user_namespaces", "0", "/run/sysctl.d/99-stig.conf", 2
    )


def test_a_file_in_etc_hides_the_vendors_file_of_that_name() -> None:
    host = on(
        {
            "/usr/lib/sysctl.d/50-x.conf": f"{KEY} = 0\n",
            "/etc/sysctl.d/50-x.conf": f"{KEY} = 7\n",
        }
    )
    assert host.get(persisted_files) == ("/etc/sysctl.d/50-x.conf", "/etc/sysctl.conf")


def test_a_link_to_dev_null_switches_the_vendors_file_off() -> None:
    masked = "/etc/sysctl.d/50-x.conf"
    host = on({"/usr/lib/sysctl.d/50-x.conf": f"{KEY} = 0\n", masked: ""}, {masked: "/dev/null"})
    assert host.get(persisted_sysctl, KEY) is None


def test_sysctl_conf_comes_last() -> None:
    host = on({"/etc/sysctl.d/99-a.conf": f"{KEY}=5\n", "/etc/sysctl.conf": f" {KEY} = 6 \n"})
    found = host.get(persisted_sysctl, KEY)
    assert found is not None
    assert (found.value, found.path) == ("6", "/etc/sysctl.conf")


def test_a_plain_key_wins_over_a_later_glob_and_an_exclusion_keeps_globs_away() -> None:
    key = "net.ipv4.conf.lxcbr0.rp_filter"
    both = "net.ipv4.conf.lxcbr0.rp_filter = 2\nnet.ipv4.conf.*.rp_filter = 1\n"
    assert value_of(on({"/etc/sysctl.d/a.conf": both}), key) == "2"
    glob = "net.ipv4.conf.*.rp_filter = 1\n"
    assert value_of(on({"/etc/sysctl.d/a.conf": glob}), key) == "1"
    spared = f"-{key}\n{glob}"
    assert value_of(on({"/etc/sysctl.d/a.conf": spared}), key) is None


def value_of(host: Host, key: str) -> str | None:
    found = host.get(persisted_sysctl, key)
    return None if found is None else found.value


def test_comments_and_lines_without_a_value_are_passed_over() -> None:
    assert parse_sysctl("/x", "# a = 1\n; b = 2\n\nnonsense\n-c = 3\n") == [
        Setting("c", "3", "/x", 5)
    ]


@given(st.text())
def test_any_text_is_a_sysctl_file(text: str) -> None:
    lines = text.split("\n")
    for one in parse_sysctl("/x", text):
        assert one.key
        assert one.value in lines[one.line - 1]
