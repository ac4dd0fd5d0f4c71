"""audit: what it judges, whom it asks, and how it ends."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.host import Host
from audit.model import Check, Finding, Level, Pass
from tests.command.shell import Shell, recorded


def crashes(host: Host) -> Iterator[Finding]:
    raise RuntimeError("boom")


def test_a_ready_host_passes_the_gate(shell: Shell, good: Path) -> None:
    done = shell("audit", "--snapshot", good, "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json["verdict"] == "ready"
    assert done.json["user"] == {"name": "al", "uid": 1000, "gid": 1000, "home": "/home/al"}
    assert done.json["host"]["source"] == "snapshot"
    assert done.json["summary"]["blocking"]["pass"] == 2


def test_a_cause_fails_the_gate_and_its_consequence_is_folded(shell: Shell, bad: Path) -> None:
    done = shell("audit", "--snapshot", bad, "--format", "json")
    assert done.code == 1
    assert done.json["stages"]["create"] == {"verdict": "no", "because": ["idmap.subids"]}
    assert done.json["summary"]["blocking"]["skipped"] == 1


def test_what_could_not_be_looked_at_is_3(shell: Shell, blind: Path) -> None:
    done = shell("audit", "--snapshot", blind, "--format", "json")
    assert (done.code, done.json["verdict"]) == (3, "unknown")


def test_a_crash_is_3_and_the_report_is_whole(
    shell: Shell, good: Path, few_checks: dict[str, Check]
) -> None:
    few_checks["broken.one"] = Check("broken.one", "", Level.INFO, crashes, "")
    done = shell("audit", "--snapshot", good, "--format", "json")
    assert done.code == 3
    assert done.json["summary"]["info"]["error"] == 1
    (finding,) = [one for one in done.json["findings"] if one["check"] == "broken.one"]
    assert finding["message"] == "RuntimeError: boom"
    assert finding["evidence"][0]["source"] == __file__


def test_fail_on_sets_the_level_of_the_gate(shell: Shell, good: Path, bad: Path) -> None:
    assert shell("audit", "--snapshot", good, "--fail-on", "hardening").code == 1
    assert shell("audit", "--snapshot", bad, "--fail-on", "never").code == 0


def test_select_and_ignore_change_the_list_and_not_the_verdict(shell: Shell, bad: Path) -> None:
    done = shell("audit", "--snapshot", bad, "--format", "json", "--select", "storage")
    assert done.code == 0
    assert [one["check"] for one in done.json["findings"]] == ["storage.noexec"]
    assert done.json["verdict"] == "not-ready"
    ignored = shell("audit", "--snapshot", bad, "--format", "json", "--ignore", "idmap.old_name")
    assert ignored.code == 0
    assert ignored.json["verdict"] == "not-ready"


def test_an_unknown_id_is_an_error_in_select_and_a_warning_in_ignore(
    shell: Shell, good: Path
) -> None:
    done = shell("audit", "--snapshot", good, "--select", "idmap.subidz")
    assert (done.code, done.out) == (2, "")
    assert "did you mean idmap.subids" in done.err
    done = shell("audit", "--snapshot", good, "--ignore", "acme.*")
    assert done.code == 0
    assert "no check has such an id" in done.err


def test_a_waiver_opens_the_gate_and_the_verdict_stays(
    shell: Shell, bad: Path, tmp_path: Path
) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text('[[waiver]]\ncheck = "idmap.old_name"\nreason = "test host"\nuser = "al"\n')
    done = shell("audit", "--snapshot", bad, "--waivers", file, "--format", "json")
    assert done.code == 0
    assert done.json["verdict"] == "not-ready"
    assert done.json["stages"]["create"]["verdict"] == "no"
    assert done.json["summary"]["blocking"]["waived"] == 1
    assert "test host" in shell("audit", "--snapshot", bad, "--waivers", file).out
    file.write_text('[[waiver]]\ncheck = "idmap.*"\nreason = "x"\nexpires = 2020-01-01\n')
    done = shell("audit", "--snapshot", bad, "--waivers", file)
    assert done.code == 1
    assert "its waiver expired on 2020-01-01" in done.out
    file.write_text('[[waiver]]\ncheck = "nothing.*"\nreason = "x"\n')
    assert "is about no check there is" in shell("audit", "--snapshot", bad, "--waivers", file).err
    file.write_text('[[waiver]]\ncheck = "idmap.subids"\n')
    done = shell("audit", "--snapshot", bad, "--waivers", file)
    assert (done.code, done.out) == (2, "")
    assert "waiver 1 (idmap.subids): reason is missing" in done.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--root", "TREE", "--user", "nobody-there"], "no user called nobody-there in TREE"),
        (["--root", "TREE", "--user", "4711"], "no user with uid 4711 in TREE"),
        (["--root", "TREE", "--user", ""], "--user is empty"),
        (["--root", "TREE/nothing"], "there is no such directory"),
        (["--root", "TREE", "--user", "al", "--config", "/nothing"], "there is no such file"),
        (["--root", "TREE", "--user", "al", "--config", "/etc"], "is a directory"),
        (["--root", "TREE", "--user", "al", "--container", "../x"], "no name of a container"),
        (["--root", "TREE", "--user", "al", "--container", ""], "no name of a container"),
        (["--snapshot", "TREE/nothing"], "No such file"),
        (["--snapshot", "TREE/etc/passwd"], "not JSON"),
        (["--snapshot", "TREE"], "cannot read"),
        (["--root", "TREE", "--user", "al", "--save", "report.docx"], "the suffix must be one of"),
        (["--root", "TREE", "--user", "al", "--waivers", "/nothing"], "No such file"),
        (["--root", "TREE", "--snapshot", "x"], "not allowed with"),
        (["--format", "morse"], "there is no format morse"),
        (["--fail-on", "info"], "invalid choice"),
    ],
)
def test_unusable_input_is_2_with_one_clear_line(
    shell: Shell, tree: Path, options: list[str], why: str
) -> None:
    done = shell("audit", *(word.replace("TREE", str(tree)) for word in options))
    assert (done.code, done.out) == (2, "")
    assert why.replace("TREE", str(tree)) in done.err
    if "usage:" not in done.err:  # argparse's own
        assert done.err.startswith("lxc-preflight: ")
        assert done.err.count("\n") == 1


def test_a_broken_snapshot_on_standard_input_is_2(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    done = shell("audit", "--snapshot", "-")
    assert (done.code, done.out) == (2, "")
    assert "standard input" in done.err


def test_a_report_is_saved_besides(shell: Shell, good: Path, tmp_path: Path) -> None:
    saved = tmp_path / "report.json"
    done = shell("audit", "--snapshot", good, "--save", saved)
    assert done.code == 0
    assert done.out.startswith("READY")
    assert json.loads(saved.read_text())["verdict"] == "ready"
    again = shell("report", saved, "--format", "json")
    assert again.json == json.loads(saved.read_text())
    assert shell("report", saved).out.startswith("READY")


def test_a_report_that_cannot_be_saved_is_2(shell: Shell, good: Path, tmp_path: Path) -> None:
    done = shell("audit", "--snapshot", good, "--save", tmp_path / "no" / "r.json")
    assert done.code == 2
    assert "cannot write" in done.err


def test_root_without_a_user_judges_the_host_and_names_users(
    shell: Shell, tree: Path, monkeypatch: pytest.MonkeyPatch, few_checks: dict[str, Check]
) -> None:
    from checks.host.user import user

    few_checks[user.id] = user
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for invoker in ("", "root"):
        monkeypatch.setenv("SUDO_USER", invoker)
        done = shell("audit", "--root", tree)
        assert done.code == 3, done.out
        assert "bo (has subordinate ids), al" in done.out
        assert "lxc-preflight audit --user bo" in done.out
        assert "al has none" not in done.out


def test_under_sudo_the_invoking_user_is_meant(
    shell: Shell, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "bo")
    assert shell("audit", "--root", tree, "--format", "json").json["user"]["name"] == "bo"
    done = shell("audit", "--root", tree, "--format", "json", "--user", "1000")
    assert done.json["user"]["name"] == "al"


def test_a_config_in_a_tree_may_be_named_from_inside_or_outside(shell: Shell, tree: Path) -> None:
    (tree / "c.conf").write_text("lxc.uts.name = x\n")
    for name in ("/c.conf", "c.conf", f"{tree}/c.conf"):
        done = shell("audit", "--root", tree, "-u", "bo", "-f", name, "--format", "json")
        assert done.json["request"]["config"] == "/c.conf", done.err


def test_a_snapshot_knows_whom_it_was_recorded_for(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(recorded({}, guest="systemd"))
    asked = shell("audit", "--snapshot", path, "--format", "json").json["request"]
    assert (asked["user"], asked["guest"]) == ("al", "systemd")
    asked = shell(
        "audit", "--snapshot", path, "--format", "json", "-u", "root", "--guest", "plain"
    ).json["request"]
    assert (asked["user"], asked["guest"]) == ("root", "plain")


def test_what_a_check_prints_is_not_mixed_in(
    shell: Shell, good: Path, few_checks: dict[str, Check]
) -> None:
    def chatters(host: Host) -> Iterator[Finding]:
        print("hello")
        yield Pass("yes")

    few_checks["chatty.one"] = Check("chatty.one", "", Level.INFO, chatters, "")
    done = shell("audit", "--snapshot", good, "--format", "json")
    assert done.json["verdict"] == "ready"
    assert done.err == "hello\n"
