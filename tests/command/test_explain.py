"""checks and explain: the list, and one check's page."""

from __future__ import annotations

from pathlib import Path

from tests.command.shell import Shell


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
            "echo al:100000:65536 >> /etc/subuid",
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
