"""fix: prints, previews, applies, takes back, refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.host import Host
from audit.model import Check, Fail, Finding, Fix, Level, Pass
from audit.registry import builtin
from remediations.actions import Append
from tests.command.shell import Shell

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: the tree is root's")


def test_a_script_for_what_fails_and_nothing_for_what_passes(
    shell: Shell, good: Path, bad: Path
) -> None:
    printed = shell("fix", "--snapshot", bad)
    assert printed.code == 0 and not printed.err
    assert printed.out.startswith("#!/bin/sh\n# Makes unprivileged LXC containers work for al")
    assert "# 1. idmap.subids: al has none\n" in printed.out
    assert "    append /etc/subuid al:100000:65536\n" in printed.out
    nothing = shell("fix", "--snapshot", good)
    assert nothing.code == 0 and "append /etc" not in nothing.out
    assert "nothing to do" in nothing.out


def test_a_playbook(shell: Shell, bad: Path) -> None:
    printed = shell("fix", "--snapshot", bad, "--format", "ansible")
    assert printed.code == 0
    assert '        line: "al:100000:65536"\n' in printed.out


def test_a_preview_is_a_diff(shell: Shell, bad: Path, tree: Path) -> None:
    absent = shell("fix", "--snapshot", bad, "--dry-run")
    assert absent.code == 0
    assert "--- /dev/null\n+++ b/etc/subuid\n@@ -0,0 +1 @@\n+al:100000:65536\n" in absent.out
    (tree / "etc/subuid").unlink()
    (tree / "etc/subgid").write_text("al:1:1\n")
    assert "--- /dev/null" in shell("fix", "--root", tree, "--user", "al", "--dry-run").out
    assert not (tree / "etc/subuid").exists()


def test_only_and_skip(shell: Shell, bad: Path) -> None:
    assert "append" in shell("fix", "--snapshot", bad, "--only", "idmap.*").out.split("# How")[0]
    for words in (("--skip", "idmap.old_name"), ("--only", "storage.*")):
        assert "append" not in shell("fix", "--snapshot", bad, *words).out.split("# How")[0]
    mistyped = shell("fix", "--snapshot", bad, "--only", "idmap.subid")
    assert mistyped.code == 2 and "did you mean idmap.subids" in mistyped.err
    assert "--only idmap.subid:" in mistyped.err


@needs_root
def test_apply_cures_audits_again_and_undo_takes_it_back(shell: Shell, tree: Path) -> None:
    subuid = tree / "etc/subuid"
    subuid.unlink()
    (tree / "var/lib").mkdir(parents=True)
    asked = shell("fix", "--root", tree, "--user", "al", "--apply")
    assert asked.code == 2 and "nobody is there: give --yes" in asked.err
    assert not subuid.exists()
    applied = shell("fix", "--root", tree, "--user", "al", "--apply", "--yes")
    assert applied.code == 0, applied.err
    assert "1. grant some: idmap.subids" in applied.out
    assert "READY" in applied.out
    assert applied.out.endswith("(log out everywhere), and log in anew.\n")
    assert subuid.read_text() == "al:100000:65536\n"
    assert (tree / "var/lib/lxc-preflight/fix/0001/done").exists()
    assert shell("fix", "--root", tree, "--undo", "--yes").code == 0
    assert not subuid.exists()
    assert not (tree / "var/lib/lxc-preflight").exists()


@needs_root
def test_what_cannot_be_done_is_said_and_the_audit_has_the_last_word(
    shell: Shell, tree: Path
) -> None:
    (tree / "etc/subuid").unlink()
    (tree / "etc/subuid").mkdir()
    (tree / "var/lib").mkdir(parents=True)
    failed = shell("fix", "--root", tree, "--user", "al", "--apply", "--yes")
    assert failed.code != 0
    assert list((tree / "etc/subuid").iterdir()) == []


def test_unusable_input(shell: Shell, bad: Path, tree: Path) -> None:
    for words, said in (
        (("--snapshot", bad, "--apply", "--yes"), "not a snapshot"),
        (("--root", tree, "--user", "al", "--apply", "--format", "ansible"), "ansible-playbook"),
        (("--root", tree, "--user", "a b"), "no account can be called so"),
    ):
        refused = shell("fix", *words)
        assert refused.code == 2 and said in refused.err and not refused.out


def test_a_user_that_is_not_there_is_made_first(shell: Shell, tree: Path) -> None:
    printed = shell("fix", "--root", tree, "--user", "newcomer")
    assert printed.code == 0
    assert "# 1. host.user: there is no user called newcomer\n" in printed.out
    assert "useradd" in printed.out or "adduser" in printed.out


def test_a_user_that_was_named_is_no_open_question(
    shell: Shell, tree: Path, few_checks: dict[str, Check]
) -> None:
    few_checks["host.user"] = builtin()["host.user"]
    printed = shell("fix", "--root", tree, "--user", "newcomer")
    assert "say who will own the containers" not in printed.out
    assert "# 1. host.user: there is no user called newcomer\n" in printed.out


def test_what_run_needs_comes_along(shell: Shell, good: Path, few_checks: dict[str, Check]) -> None:
    """The audit is about lxc-create's template busybox; `run` unpacks by the template local."""

    def judge(host: Host) -> Iterator[Finding]:
        if host.request.template == "local":
            yield Fail("local needs xz", fix=Fix("package", "get xz", (Append("/etc/xz", "y"),)))
        else:
            yield Pass("all there")

    few_checks["image.tools"] = Check("image.tools", "tools", Level.BLOCKING, judge, "")
    printed = shell("fix", "--snapshot", good)
    assert "# 1. image.tools: local needs xz\n" in printed.out
    for words in (("--template", "busybox"), ("--skip", "image.tools")):
        assert "local needs xz" not in shell("fix", "--snapshot", good, *words).out


def test_contradictions_are_refused_before_anything_is_done(
    shell: Shell, bad: Path, few_checks: dict[str, Check]
) -> None:
    def wants(value: str) -> Check:
        def judge(host: Host) -> Iterator[Finding]:
            fix = Fix("x", f"set {value}", (Append("/etc/f", f"k = {value}"),))
            yield Fail(f"not {value}", fix=fix)

        return Check(f"x.{value}", value, Level.BLOCKING, judge, "")

    few_checks |= {"x.one": wants("one"), "x.two": wants("two")}
    refused = shell("fix", "--snapshot", bad)
    assert refused.code == 2 and not refused.out
    assert "x.one and x.two want two things of k in /etc/f (--skip x.two)" in refused.err
    assert "nothing was done" in refused.err
    assert shell("fix", "--snapshot", bad, "--skip", "x.two").code == 0
