"""A disk that is full, and one that is read-only: nothing half-written, and nothing lost."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest

from remediations.actions import Append, Replace, Write
from tests.remediations.scripts import script_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: file systems of its own")

# /etc and /var of a tree, each a file system of its own, in a mount namespace that dies with it.
BEGIN = """
set -eu
tree=$(mktemp -d); trap 'cd /; rm -rf "$tree" 2>/dev/null || :' EXIT
mkdir "$tree/etc" "$tree/var"
mount -t tmpfs -o size=64k tmpfs "$tree/etc"
mount -t tmpfs -o size=256k tmpfs "$tree/var"
mkdir -p "$tree/var/lib"
printf 'first\\n' >"$tree/etc/f"
printf 'lxc:x:1001:1001::/home/lxc:/bin/sh\\n' >"$tree/etc/passwd"
fix() { ROOT=$tree sh -c {script} fix "$@"; }
refuses() { if fix; then echo "it did not fail"; exit 9; fi; }
same() { [ "$(cat "$tree/etc/f")" = first ] && [ "$(ls -A "$tree/etc")" = "f
passwd" ]; }
"""
TEXT = script_for(
    Append("/etc/f", "second"), Replace("/etc/f", 1, "first", "1st"), Write("/etc/g", "x" * 5000)
)


def in_a_namespace(script: str) -> str:
    text = BEGIN.replace("{script}", shlex.quote(TEXT)) + script
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", text], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_full_disk_is_said_and_a_second_run_completes() -> None:
    said = in_a_namespace("""
        dd if=/dev/zero of="$tree/etc/fill" bs=1k 2>/dev/null || :
        refuses
        [ "$(cat "$tree/etc/f")" = first ]
        [ ! -s "$tree/etc/g" ]
        rm "$tree/etc/fill"
        fix
        [ "$(cat "$tree/etc/f")" = "1st
second" ]
        [ "$(wc -c <"$tree/etc/g")" = 5001 ]
        fix --undo
        same
    """)
    assert "cannot write" in said and "nothing of it was changed" in said


def test_a_full_journal_stops_every_change() -> None:
    said = in_a_namespace("""
        dd if=/dev/zero of="$tree/var/fill" bs=1k 2>/dev/null || :
        refuses
        same
        rm "$tree/var/fill"
        fix
        fix --undo
        same
    """)
    assert "could not be done" in said or "nothing is changed" in said


def test_read_only_etc_is_said_and_nothing_stays_behind() -> None:
    said = in_a_namespace("""
        mount -o remount,ro "$tree/etc"
        refuses
        same
        mount -o remount,rw "$tree/etc"
        fix
        fix --undo
        same
    """)
    assert "cannot write" in said


def test_a_read_only_journal_stops_everything() -> None:
    said = in_a_namespace("""
        mount -o remount,ro "$tree/var"
        refuses
        same
    """)
    assert "cannot record changes" in said and "so nothing is changed" in said
