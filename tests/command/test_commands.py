"""The commands as a person types them, on hosts made of a few answers."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from audit import cli, registry
from audit.host import Host
from audit.model import (
    CREATE,
    EVERYTHING,
    Check,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    Pass,
    Unknown,
)

PASSWD = "root:x:0:0:root:/root:/bin/sh\nal:x:1000:1000:Al Doe:/home/al:/bin/sh\n"


def asks_for_subids(host: Host) -> Iterator[Finding]:
    """The user has subordinate uids.

    newuidmap(1) maps nothing else.

    Why: "newuidmap: uid range [0-65536) -> [100000-165536) not allowed"
    See: subuid(5)
    """
    text = host.read("/etc/subuid")
    if not text:
        fix = Fix("grant", "grant some", ("usermod --add-subuids 100000-165535 al",))
        yield Fail("al has none", Evidence("/etc/subuid", None, "nothing", "al:..."), fix=fix)
    else:
        yield Pass("al has some", Evidence("/etc/subuid", 1, text.strip()))


def asks_for_helpers(host: Host) -> Iterator[Finding]:
    yield Pass("newuidmap is there")


def asks_for_noexec(host: Host) -> Iterator[Finding]:
    yield Fail("could be better")


def crashes(host: Host) -> Iterator[Finding]:
    raise RuntimeError("boom")


def cannot_look(host: Host) -> Iterator[Finding]:
    raise Unknown("nobody let me")


SUBIDS = Check(
    "idmap.subids",
    "The user has subordinate ids",
    Level.BLOCKING,
    asks_for_subids,
    asks_for_subids.__doc__ or "",
    EVERYTHING,
    aliases=("idmap.old_name",),
)
HELPERS = Check(
    "idmap.helpers",
    "The helpers are there",
    Level.BLOCKING,
    asks_for_helpers,
    "",
    (CREATE,),
    after=("idmap.subids",),
)
HARDENING = Check("storage.noexec", "Better", Level.HARDENING, asks_for_noexec, "")


@pytest.fixture(autouse=True)
def few_checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Check]:
    """Three checks and no plugins, whatever the checkout and the environment hold."""
    checks = {one.id: one for one in (HELPERS, SUBIDS, HARDENING)}
    monkeypatch.setattr(registry, "builtin", lambda: checks)
    monkeypatch.setattr("audit.plugins.any_installed", lambda: False)
    monkeypatch.setenv("COLUMNS", "100")
    return checks


class Typed:
    """What a command did: exit code, standard output, standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *argv: object) -> Typed:
        self.capsys.readouterr()
        try:
            code = cli.main([str(word) for word in argv])
        except SystemExit as ended:  # argparse
            code = int(str(ended.code))
        out, err = self.capsys.readouterr()
        return Typed(int(code), out, err)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def recorded(answers: Mapping[tuple[str, ...], object], **request: object) -> str:
    data = {
        "schema": "lxc-preflight/snapshot/1",
        "request": {"user": "al", **request},
        "answers": [
            [list(question), {"answer": answer}]
            for question, answer in {("read", "/etc/passwd"): PASSWD, **answers}.items()
        ],
    }
    return json.dumps(data)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.json"
    path.write_text(recorded({("read", "/etc/subuid"): "al:100000:65536\n"}))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.json"
    path.write_text(recorded({("read", "/etc/subuid"): None}))
    return path


@pytest.fixture
def blind(tmp_path: Path) -> Path:
    path = tmp_path / "blind.json"
    path.write_text(recorded({}))
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root file system with root, al (uid 1000) and bo, who has subordinate ids."""
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_text(f"{PASSWD}bo:x:1001:1001::/home/bo:/bin/sh\n")
    (root / "etc" / "nsswitch.conf").write_text("passwd: files\ngroup: files\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    (root / "etc" / "subuid").write_text("bo:100000:65536\n")
    return root


# audit --------------------------------------------------------------------------------------------


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
        (["--format", "morse"], "invalid choice"),
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


# collect ------------------------------------------------------------------------------------------


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


# checks, explain ----------------------------------------------------------------------------------


def test_checks_are_listed(shell: Shell) -> None:
    done = shell("checks")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == [
        "idmap.helpers",
        "idmap.subids",
        "storage.noexec",
    ]
    rows = shell("checks", "idmap", "--format", "json").json
    assert [row["id"] for row in rows] == ["idmap.helpers", "idmap.subids"]
    assert rows[1]["stages"] == ["create", "start", "bare_start", "network", "limits"]
    assert shell("checks", "nothing.*").code == 2


def test_explain_is_a_page_with_the_answer_of_this_host(shell: Shell, bad: Path) -> None:
    for name in ("idmap.subids", "idmap.old_name"):
        done = shell("explain", name, "--snapshot", bad)
        assert done.code == 0
        for words in (
            "The user has subordinate ids",
            "newuidmap(1) maps nothing else.",
            "Why: ",
            "See: subuid(5)",
            "al has none",
            "usermod --add-subuids",
            "looked at: /etc/subuid",
            "was called: idmap.old_name",
        ):
            assert words in done.out
    page = shell("explain", "idmap.helpers", "--snapshot", bad, "--format", "json").json[0]
    assert page["findings"][0]["outcome"] == "skipped"


def test_an_unknown_id_gets_close_matches(shell: Shell) -> None:
    done = shell("explain", "idmap.subid")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        "lxc-preflight: there is no check idmap.subid; did you mean idmap.subids, "
    )


# diff ---------------------------------------------------------------------------------------------


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
    assert shell("diff", good, tmp_path / "nothing").code == 2


# all of them --------------------------------------------------------------------------------------


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
