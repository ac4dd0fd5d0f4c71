from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.distro import family, os_release, parse_os_release
from audit.model import Unknown
from audit.testing import made_host

ETC, USR = "/etc/os-release", "/usr/lib/os-release"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID=debian\n", "debian"),
        ("ID=ubuntu\nID_LIKE=debian\n", "debian"),
        ('ID="rhel"\nID_LIKE="fedora"\n', "fedora"),
        ('ID="centos"\nID_LIKE="rhel fedora"\n', "fedora"),
        ("ID=artix\n", "arch"),
        ("ID=calculate\nID_LIKE=gentoo\n", "gentoo"),
        ("ID='alpine'\n", "alpine"),
        ("ID=nixos\n", None),
        ("", None),
    ],
)
def test_the_family_is_that_of_the_id_or_of_what_it_is_like(
    text: str, expected: str | None
) -> None:
    assert made_host({ETC: text, USR: None}).get(family) == expected


def test_the_second_place_counts_only_when_the_first_is_not_there() -> None:
    assert made_host({ETC: None, USR: "ID=arch\n"}).get(family) == "arch"
    assert made_host({ETC: "ID=alpine\n", USR: "ID=arch\n"}).get(family) == "alpine"


def test_a_host_without_os_release_is_of_no_family() -> None:
    assert made_host({ETC: None, USR: None}).get(os_release) == {}


def test_a_host_that_cannot_be_looked_at_is_unknown() -> None:
    with pytest.raises(Unknown):
        made_host({}).get(family)


VALUES = st.text("ab \"'\\`#=é", max_size=12)


@given(VALUES.filter(lambda v: "\n" not in v))
def test_quoted_values_read_as_a_shell_reads_them(value: str) -> None:
    """os-release(5): whatever a shell-quoted value stands for is what is read."""
    escaped = "".join("\\" + c if c in '"$`\\' else c for c in value)
    assert parse_os_release(f'NAME="{escaped}"\n')["NAME"] == value


@given(st.text())
def test_no_text_is_too_strange_to_parse(text: str) -> None:
    assert all(name.isidentifier() for name in parse_os_release(text))


def test_a_shell_agrees() -> None:
    text = 'A=plain\nB="two words"\nC=\'single $x\'\nD="es\\"caped\\\\ \\$x"\n'
    script = text + 'printf "%s\\n" "$A" "$B" "$C" "$D"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert list(parse_os_release(text).values()) == shell.stdout.splitlines()
