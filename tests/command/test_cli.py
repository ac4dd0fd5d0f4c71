"""What all commands have in common."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit import cli, registry
from audit.model import Check
from tests.command.shell import Shell


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_has_an_example(shell: Shell, command: str) -> None:
    done = shell(command, "--help")
    assert done.code == 0
    assert f"lxc-preflight {command}" in done.out
    assert "example:" in done.out


def test_no_command_and_a_wrong_one_are_2(shell: Shell) -> None:
    assert shell().code == 2
    assert shell("auditt").code == 2


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell("--version").out.startswith("lxc-preflight ")


def test_a_defect_of_ours_is_3_and_never_1(
    shell: Shell, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks() -> dict[str, Check]:
        raise RuntimeError("ours")

    monkeypatch.setattr(registry, "builtin", breaks)
    done = shell("audit", "--snapshot", good)
    assert done.code == 3
    assert "this is a defect in lxc-preflight" in done.err


def test_messages_show_no_escapes(shell: Shell) -> None:
    done = shell("audit", "--snapshot", "/no\x1b[31m/such\nfile")
    assert done.code == 2
    assert "\x1b" not in done.err
    assert done.err.count("\n") == 1


def test_a_full_disk_is_2(shell: Shell, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this machine has no /dev/full")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        monkeypatch.setattr(cli, "_forget_output", lambda: None)
        done = shell("audit", "--snapshot", good)
        monkeypatch.undo()
        full.buffer.raw.close()  # type: ignore[attr-defined]
    assert done.code == 2
    assert "cannot write the output: No space left on device" in done.err
