"""The running kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.kernel import cmdline, release, release_text, split_cmdline
from audit.host import Host
from audit.model import Unknown
from audit.source import Answer
from audit.testing import made_host


def on(name: str) -> Host:
    return made_host({}, {("uname",): ["Linux", "h", name, "x86_64"]})


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("6.1.0-18-amd64", (6, 1, 0)),
        ("3.10.0-1160.el7.x86_64", (3, 10, 0)),
        ("6.18.44-fc-v769", (6, 18, 44)),
        ("5.15-custom", (5, 15)),
    ],
)
def test_the_release_is_compared_by_its_leading_numbers(
    name: str, numbers: tuple[int, ...]
) -> None:
    assert on(name).get(release) == numbers


def test_a_release_without_a_number_is_unknown() -> None:
    with pytest.raises(Unknown):
        on("custom").get(release)


class Tree:
    """A directory tree with these kernels installed."""

    kind = "root"

    def __init__(self, *kernels: str) -> None:
        self.kernels = list(kernels)

    def ask(self, verb: str, *args: str) -> Answer:
        if verb == "list":
            return list(self.kernels) if args[0] == "/lib/modules" else None
        raise Unknown("no running host")


def test_a_tree_with_one_kernel_will_boot_that_one() -> None:
    assert Host(Tree("6.1.0-18-amd64")).get(release_text) == "6.1.0-18-amd64"


@pytest.mark.parametrize("kernels", [(), ("6.1.0", "6.2.0")])
def test_a_tree_with_none_or_several_kernels_is_unknown(kernels: tuple[str, ...]) -> None:
    with pytest.raises(Unknown):
        Host(Tree(*kernels)).get(release_text)


def test_quotes_keep_blanks_together_and_what_follows_two_dashes_is_for_init() -> None:
    host = made_host({"/proc/cmdline": 'quiet dyndbg="file a.c +p" root=/dev/vda -- apparmor=0\n'})
    assert host.get(cmdline) == ("quiet", "dyndbg=file a.c +p", "root=/dev/vda")


def test_no_proc_means_unknown_and_not_an_empty_command_line() -> None:
    with pytest.raises(Unknown):
        made_host({"/proc/cmdline": None}).get(cmdline)


@given(st.text())
def test_splitting_never_fails_and_loses_nothing_but_blanks_and_quotes(text: str) -> None:
    kept = "".join(split_cmdline(text)).replace(" ", "")
    assert [c for c in kept if not c.isspace()] == [c for c in text if not c.isspace() and c != '"']
