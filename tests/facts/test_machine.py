"""Which programs a machine runs."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.machine import _HEAD, ElfHead, elf_head, emulator, runs_natively
from audit.host import Host, Request
from audit.live import Live, search_bytes
from audit.source import Answer
from audit.testing import made_host


def head_of(data: bytes) -> ElfHead | None:
    return made_host({}, {("search", "/x", _HEAD): search_bytes(data, _HEAD)}).get(elf_head, "/x")


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\x3e\0", ElfHead(64, 62)),
        (b"\x7fELF\x01\x01\x01" + b"\0" * 9 + b"\x02\0\x28\0", ElfHead(32, 40)),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\xb7\0", ElfHead(64, 183)),
        (b"\x7fELF\x02\x02\x01" + b"\0" * 9 + b"\0\x02\0\x16", ElfHead(64, 22)),
        (b"#!/bin/sh\n", None),
        (b"", None),
    ],
)
def test_an_elf_file_says_what_it_is_for(data: bytes, head: ElfHead | None) -> None:
    assert head_of(data) == head


@given(st.binary(max_size=80))
def test_no_file_stops_the_reader(data: bytes) -> None:
    head_of(b"\x7fELF" + data)


def test_a_64_bit_machine_runs_its_32_bit_programs() -> None:
    answers: dict[tuple[str, ...], Answer] = {("uname",): ["Linux", "h", "6.1", "x86_64"]}
    host = made_host({}, dict(answers))
    assert host.get(runs_natively, ElfHead(32, 3))
    assert not host.get(runs_natively, ElfHead(64, 183))


def test_an_emulator_is_registered_or_not() -> None:
    directory = "/proc/sys/fs/binfmt_misc"
    host = made_host(
        {}, {("list", directory): ["qemu-arm"], ("read", f"{directory}/qemu-arm"): "disabled\n"}
    )
    assert host.get(emulator, ElfHead(32, 40)) is None
    assert made_host({}, {("list", directory): None}).get(emulator, ElfHead(32, 40)) is None


def test_this_interpreter_runs_on_this_machine() -> None:
    host = Host(Live(), Request(user="root"))
    head = host.get(elf_head, sys.executable)
    assert head is not None
    assert host.get(runs_natively, head)
