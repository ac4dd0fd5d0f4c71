"""What is drawn agrees with what is found, and what was not seen is not drawn as absent."""

from __future__ import annotations

from typing import Any

import pytest

from audit.engine import run
from audit.host import Host, Request
from audit.model import Outcome
from audit.pictures.gathering import edges, pictures
from audit.pictures.idmap import MOST_RANGES
from audit.registry import builtin
from audit.source import Answer, Question, Refused, Snapshot
from audit.testing import made_host
from tests.recordings import changed, names, recorded
from tests.reports.examples import BROKEN, UNSEEN, alice

EVERY = builtin()


def drawn(host: Host) -> tuple[Any, dict[str, set[str]]]:
    """The pictures of a host, and the outcomes of every check."""
    results = run(EVERY, host)
    outcomes = {
        one.check.id: {finding.outcome.value for finding in one.findings} for one in results
    }
    return pictures(host, results), outcomes


@pytest.mark.parametrize("name", names())
def test_pictures_agree_with_the_checks(name: str) -> None:
    picture, outcomes = drawn(recorded(name))
    blocked = [step for step in picture["path"]["steps"] or () if step["passes"] is False]
    if "skipped" not in outcomes["storage.path_access"]:
        about = ("path_access", "rootfs", "container_open", "default_acl")
        causes = {check for check in about if "fail" in outcomes[f"storage.{check}"]}
        assert bool(blocked) == bool(causes), causes
    for key in ("uids", "gids"):
        refused = [one for one in picture[key]["maps"] or () if one["granted"] is False]
        if refused:
            kinds = ("idmap.within_subids", "idmap.subid_syntax", "idmap.subid_entry")
            assert any("fail" in outcomes[check] for check in kinds)
    for way in picture["network"]["ways"] or ():
        for hop in way["hops"]:
            failed = any("fail" in outcomes[check] for check in hop["checks"])
            if hop["checks"]:
                assert (hop["state"] == "bad") == failed, hop
    fails = {limit["fate"] for limit in picture["cgroup"]["limits"]} & {"ignored", "fails"}
    assert bool(fails) <= bool(outcomes["cgroup.limits"] & {"fail", "skipped"})


def test_a_working_host_is_drawn_whole() -> None:
    picture, _ = drawn(alice({}))
    assert [one["owner"] for one in picture["uids"]["ranges"]] == ["alice", "bob", "carol"]
    assert [one["own"] for one in picture["uids"]["ranges"]] == [True, False, False]
    (one,) = picture["uids"]["maps"]
    assert one == {"inside": 0, "outside": 100000, "size": 65536, "granted": True}
    assert picture["path"]["root"] == "100000:100000"
    assert [step["path"] for step in picture["path"]["steps"]][:3] == ["/", "/home", "/home/alice"]
    assert picture["path"]["steps"][-1]["made"]
    levels = picture["cgroup"]["levels"]
    assert [one["name"] for one in levels][-2:] == ["app.slice", "run-N.scope"]
    assert [one["there"] for one in levels][-2:] == [False, False]
    assert picture["cgroup"]["controllers"] == ["cpu", "memory", "pids"]
    assert {one["fate"] for one in picture["cgroup"]["limits"]} == {"set"}
    (way,) = picture["network"]["ways"]
    assert [hop["name"] for hop in way["hops"]] == [
        "container",
        "veth",
        "quota",
        "bridge",
        "forwarding",
        "translation",
        "outside",
    ]
    assert {hop["state"] for hop in way["hops"]} == {"ok"}
    assert picture["uids"]["unknown"] == {}


def test_a_broken_host_shows_where() -> None:
    picture, _ = drawn(alice(BROKEN))
    (shared,) = picture["uids"]["overlaps"]
    assert shared == {"first": 165536, "last": 165536, "owners": ["alice", "bob"]}
    (blocked,) = (step for step in picture["path"]["steps"] if step["passes"] is False)
    assert (blocked["path"], blocked["mode"]) == ("/home/alice", "0700")
    states = {hop["name"]: hop["state"] for hop in picture["network"]["ways"][0]["hops"]}
    assert states["quota"] == states["forwarding"] == "bad"
    assert states["translation"] == states["outside"] == "unjudged"
    assert ["storage.path_access", "storage.rootfs"] in picture["after"]


def test_what_was_not_seen_is_none_and_says_why() -> None:
    picture, _ = drawn(alice(UNSEEN))
    assert picture["uids"]["ranges"] is None
    assert picture["uids"]["maps"][0]["granted"] is None
    assert picture["uids"]["unknown"]["ranges"] == "Permission denied"
    assert picture["gids"]["ranges"]  # seen
    assert picture["path"]["steps"] is None
    assert picture["cgroup"]["levels"] is None
    hops = {hop["name"]: hop["state"] for hop in picture["network"]["ways"][0]["hops"]}
    assert hops["quota"] == hops["bridge"] == "unknown"


def test_a_host_that_answers_nothing_has_nothing_absent() -> None:
    picture, _ = drawn(Host(Snapshot({}), Request("alice")))
    for key in ("uids", "gids"):
        assert picture[key]["ranges"] is picture[key]["maps"] is picture[key]["accounts"] is None
    assert picture["path"]["steps"] is picture["cgroup"]["levels"] is None
    assert picture["network"]["ways"] is None
    for key in ("uids", "path", "cgroup", "network"):
        assert all(why for why in picture[key]["unknown"].values())
        assert picture[key]["unknown"]


def test_nobody_named_leaves_what_is_the_hosts() -> None:
    answers: dict[Question, Answer | Refused] = {("list", "/var/lib/machines"): None}
    subids = "lxc:100000:65536\n"
    files = {"/etc/subuid": subids, "/etc/subgid": subids, "/etc/login.defs": ""}
    picture = pictures(made_host(files, answers, Request("")), ())
    assert picture["uids"] is not None
    assert picture["uids"]["maps"] is None


def test_a_crash_in_a_fact_loses_a_picture_and_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.pictures.gathering.id_axis", lambda host, kind: 1 / 0)
    picture = pictures(recorded("healthy"), ())
    assert picture["uids"] is None
    assert picture["path"] is not None


def test_many_ranges_are_cut_and_counted_and_ones_own_stay() -> None:
    lines = "".join(f"u{n}:{200000 + n * 65536}:65536\n" for n in range(5000))
    own = "truth91:1309100000:65536\n"
    name = "healthy"
    picture, _ = drawn(changed(name, {("read", "/etc/subuid"): lines + own}))
    axis = picture["uids"]
    assert len(axis["ranges"]) == MOST_RANGES
    assert axis["more_ranges"] == 5001 - MOST_RANGES
    assert [one["owner"] for one in axis["ranges"] if one["own"]] == ["truth91"]


def test_arrows_go_from_what_a_check_comes_after() -> None:
    results = run(EVERY, alice(BROKEN))
    skipped = {one.check.id for one in results if one.skipped_because}
    found = edges(results)
    assert {other for _, other in found} == skipped
    failed = {
        one.check.id for one in results if any(f.outcome is Outcome.FAIL for f in one.findings)
    }
    assert {one for one, _ in found} <= skipped | failed
