"""The kernel's build options."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.kconfig import PLACES, is_known_to, kconfig, parse_kconfig, places, unpacked
from audit.host import Host
from audit.model import Unknown
from audit.source import Answer, Question, Refused
from audit.testing import made_host

NAME = "6.1.0-18-amd64"
TEXT = """#
# Linux/x86 6.1.0 Kernel Configuration
#
CONFIG_USER_NS=y
CONFIG_VETH=m
# CONFIG_BRIDGE is not set
"""


def on(files: dict[str, str | None], **more: Answer | Refused) -> Host:
    known: dict[str, str | None] = dict.fromkeys((p.format(NAME) for p in PLACES), None)
    known.update(files)
    answers: dict[Question, Answer | Refused] = {("uname",): ["Linux", "h", NAME, "x86_64"]}
    answers.update({("read", path.replace("|", "/")): value for path, value in more.items()})
    return made_host(known, answers)


def as_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def test_off_and_never_heard_of_are_different_answers() -> None:
    config = parse_kconfig("/boot/config", TEXT, True)
    assert config.value("USER_NS") == "y"
    assert config.value("VETH") == "m"
    assert config.value("BRIDGE") == "n"
    assert config.value("SECCOMP") is None
    assert config.entry("VETH") == (5, "m")


def test_an_option_whose_name_begins_another_is_not_that_other() -> None:
    config = parse_kconfig("/boot/config", "CONFIG_NET_NS_EXTRA=y\nCONFIG_X_NET_NS=y\n", True)
    assert config.value("NET_NS") is None


def test_the_last_of_several_lines_wins() -> None:
    config = parse_kconfig("/boot/config", "CONFIG_VETH=y\n# CONFIG_VETH is not set\n", True)
    assert config.value("VETH") == "n"
    assert parse_kconfig("", "# CONFIG_VETH is not set\nCONFIG_VETH=m\n", True).value("VETH") == "m"


def test_proc_config_gz_comes_first() -> None:
    packed = as_text(gzip.compress(TEXT.encode()))
    host = on({"/proc/config.gz": packed, f"/boot/config-{NAME}": "CONFIG_USER_NS=n\n"})
    found = host.get(kconfig)
    assert (found.path, found.exact, found.value("USER_NS")) == ("/proc/config.gz", True, "y")


@pytest.mark.parametrize("place", [p.format(NAME) for p in PLACES[1:]])
def test_each_of_the_other_eight_places_will_do(place: str) -> None:
    found = on({place: TEXT}).get(kconfig)
    assert found.path == place
    assert found.value("USER_NS") == "y"


@pytest.mark.parametrize(
    ("release", "flavour"),
    [("6.12.90-0-lts", "lts"), ("6.12.90-0-virt", "virt"), ("6.6.31-0-rpi", "rpi")],
)
def test_alpine_names_it_after_the_flavour(release: str, flavour: str) -> None:
    path = f"/boot/config-{flavour}"
    text = TEXT.replace("6.1.0", release)
    files: dict[str, str | None] = {**dict.fromkeys(places(release)), path: text}
    found = made_host(files, {("uname",): ["Linux", "h", release, "x86_64"]}).get(kconfig)
    assert (found.path, found.exact, found.value("USER_NS")) == (path, True, "y")
    files[path] = TEXT  # of a kernel that was replaced since this one was booted
    older = made_host(files, {("uname",): ["Linux", "h", release, "x86_64"]}).get(kconfig)
    assert not older.exact


def test_a_configuration_in_usr_src_for_another_kernel_is_weak() -> None:
    other = TEXT.replace("6.1.0", "5.10.1")
    assert not on({"/usr/src/linux/.config": other}).get(kconfig).exact
    assert on({"/usr/src/linux/.config": TEXT}).get(kconfig).exact


def test_what_may_not_be_read_does_not_hide_what_may() -> None:
    host = on({f"/usr/lib/modules/{NAME}/config": TEXT})
    answers = host.source.answers  # type: ignore[attr-defined]
    answers["read", f"/boot/config-{NAME}"] = Refused("Permission denied")
    assert host.get(kconfig).path == f"/usr/lib/modules/{NAME}/config"


def test_no_configuration_anywhere_is_unknown() -> None:
    with pytest.raises(Unknown, match="none of 9 places"):
        on({}).get(kconfig)


def test_a_refused_place_is_named_when_nothing_else_answers() -> None:
    host = on({})
    host.source.answers["read", f"/boot/config-{NAME}"] = Refused("Permission denied")  # type: ignore[attr-defined]
    with pytest.raises(Unknown, match="Permission denied"):
        host.get(kconfig)


@pytest.mark.parametrize(
    ("running", "option", "known"),
    [
        ("4.6.0", "DEVPTS_MULTIPLE_INSTANCES", True),
        ("4.7.0", "DEVPTS_MULTIPLE_INSTANCES", False),
        ("6.16.9", "NETFILTER_XTABLES_LEGACY", False),
        ("6.17.0", "NETFILTER_XTABLES_LEGACY", True),
        ("6.1.0", "USER_NS", True),
    ],
)
def test_options_have_a_life_span(running: str, option: str, known: bool) -> None:
    host = made_host({}, {("uname",): ["Linux", "h", running, "x86_64"]})
    assert host.get(is_known_to, option) is known


@given(st.binary(max_size=200))
def test_damaged_gzip_is_no_configuration_and_no_crash(data: bytes) -> None:
    unpacked(as_text(data))
    unpacked(as_text(gzip.compress(b"CONFIG_X=y\n")[:-5] + data))


@given(st.text(alphabet='ABCONFIG_=#ynm is not set\n"', max_size=300))
def test_any_text_is_a_configuration(text: str) -> None:
    config = parse_kconfig("/x", text, True)
    entry = config.entry("A")
    config.line("A")
    if entry is not None:
        assert "CONFIG_A" in text.split("\n")[entry[0] - 1]


def test_a_gzip_bomb_is_cut_off() -> None:
    bomb = as_text(gzip.compress(b"\0" * (64 * 1024 * 1024), 1))
    assert len(unpacked(bomb) or "") <= 8 * 1024 * 1024
