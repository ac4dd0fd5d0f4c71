"""collect: a record that judges the same elsewhere, private and redacted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audit.host import Host
from audit.model import Check, Finding, Pass
from tests.command.shell import HELPERS, Shell


def test_a_record_judges_the_same_after_redaction(shell: Shell, tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = shell("collect", "--root", tree, "--user", "bo", "-o", out)
    assert (done.code, done.out) == (0, "")
    assert "answers recorded" in done.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert "Al Doe" not in out.read_text()
    direct = shell("audit", "--root", tree, "--user", "bo", "--format", "json").json
    replayed = shell("audit", "--snapshot", out, "--format", "json").json
    assert replayed["findings"] == direct["findings"]
    assert replayed["stages"] == direct["stages"]
    assert replayed["user"] == direct["user"]


def test_a_record_goes_to_standard_output(shell: Shell, tree: Path) -> None:
    done = shell("collect", "--root", tree, "--user", "bo", "-o", "-")
    assert done.json["request"]["user"] == "bo"
    assert done.out.isascii()


def test_consequences_are_asked_too(shell: Shell, tree: Path, few_checks: dict[str, Check]) -> None:
    def asks_more(host: Host) -> Iterator[Finding]:
        host.read("/etc/issue")
        yield Pass("yes")

    few_checks["idmap.helpers"] = HELPERS._replace(judge=asks_more)
    done = shell("collect", "--root", tree, "--user", "al", "-o", "-")
    assert ["read", "/etc/issue"] in [question for question, _ in done.json["answers"]]


def test_a_record_is_not_written_over_a_link(shell: Shell, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    done = shell("collect", "--root", tree, "--user", "bo", "-o", tmp_path / "link")
    assert done.code == 2
    assert not (tmp_path / "victim").exists()


def test_where_to_is_mandatory(shell: Shell) -> None:
    assert shell("collect").code == 2
