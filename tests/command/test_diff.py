"""diff: what changed between two reports or snapshots."""

from __future__ import annotations

from pathlib import Path

from tests.command.shell import Shell


def test_diff_of_snapshots_and_reports(shell: Shell, good: Path, bad: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    shell("audit", "--snapshot", bad, "--save", report)
    worse = shell("diff", good, report, "--format", "json")
    assert worse.code == 1
    assert [one["check"] for one in worse.json["new"]] == ["idmap.subids"]
    assert worse.json["stages"]["create"] == {"a": "yes", "b": "no"}
    better = shell("diff", bad, good, "--format", "json")
    assert better.code == 0
    assert [one["check"] for one in better.json["fixed"]] == ["idmap.subids"]
    same = shell("diff", bad, report, "--format", "json")
    assert same.code == 0
    assert (same.json["new"], same.json["fixed"], same.json["changed"]) == ([], [], [])
    text = shell("diff", good, bad)
    assert text.out.startswith("ready -> not-ready")
    assert "al has none" in text.out
    page = shell("diff", good, bad, "--format", "html")
    assert page.code == 1
    assert page.out.startswith("<!doctype html>")
    assert "Ready &#8594; Not ready" in page.out and "al has none" in page.out
    assert shell("diff", good, tmp_path / "nothing").code == 2
