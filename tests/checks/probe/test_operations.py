"""What was tried against what was predicted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.access import Credentials
from audit.agreement import predicted_failures
from audit.facts.config import container_config
from audit.facts.idmap import IdMap, idmaps, maps_of
from audit.facts.lxcconf import lxcpath
from audit.facts.nics import veths
from audit.facts.session import is_mine, search_path, session_credentials, variable
from audit.host import Host
from audit.model import EVERYTHING, STARTING, Level, Outcome, Unknown
from audit.source import Answer, Question, Refused
from audit.testing import judged, made_host
from checks.probe.operations import CHECKS, ROWS, Row
from tests.primed import config, primed

USER = Credentials(1001, 1001, frozenset({1001}))
WHO = str(USER)
CHECK = {check.id.rpartition(".")[2]: check for check in CHECKS}
ROW = {row.key: row for row in ROWS}
MAPS = (IdMap("uid", 0, 100000, 65536), IdMap("gid", 0, 100000, 65536))
ENV = "PATH=/usr/bin\nHOME=/home/lxc"
TRIPLE = "0 100000 65536"
RESTRICT = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
REFUSED: dict[str, Answer] = {
    "ok": False,
    "step": "unshare user namespace",
    "errno": "ENOSPC",
    "detail": "No space",
}


def on(
    probes: dict[Question, Answer | Refused] | None,
    failing: dict[tuple[str, ...], tuple[str, ...]] | None = None,
    restricted: str | None = None,
) -> Host:
    answers: dict[Question, Answer | Refused] = {}
    if probes is not None:
        answers = {("probe", "become", WHO): {"ok": True}, **probes}
    host = made_host({RESTRICT: restricted}, answers)
    facts: dict[Callable[..., Any], Any] = {
        session_credentials: USER,
        container_config: config(),
        search_path: ("/usr/bin",),
        idmaps: MAPS,
        lxcpath: "/home/lxc/.local/share/lxc",
        is_mine: False,
        veths: (),
    }
    primed(host, facts)
    for kind, one in zip(("uid", "gid"), MAPS, strict=True):
        host._facts[(maps_of, kind)] = ((one,), None, frozenset())
    for name in ("HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"):
        value = "/home/lxc" if name == "HOME" else None
        host._facts[(variable, name)] = (value, None, frozenset())
    for row in ROWS:
        for patterns in (row.explains, row.refutes):
            for stages in (row.stages or EVERYTHING, EVERYTHING):
                found = (failing or {}).get(patterns, ())
                host._facts[(predicted_failures, patterns, stages)] = (found, None, frozenset())
    return host


def finding(key: str, host: Host) -> Any:
    return judged(CHECK[key], host).findings[0]


@pytest.mark.parametrize("key", CHECK)
def test_without_probe_nothing_is_tried_and_no_prediction_changes(key: str) -> None:
    host = on(None)
    host.source.answers["probe", "become", WHO] = Refused("not tried: give --probe")  # type: ignore[attr-defined]
    found = finding(key, host)
    assert (found.outcome, found.message) == (Outcome.NOT_APPLICABLE, "not tried: give --probe")


def test_who_cannot_become_the_user_learns_why_and_no_prediction_changes() -> None:
    host = on({("probe", "become", WHO): {"ok": False, "unknown": "only root or uid 1001 can"}})
    found = finding("userns", host)
    assert (found.outcome, found.level, found.stages) == (Outcome.UNKNOWN, Level.INFO, ())
    assert "only root" in found.message


def test_a_try_that_works_as_predicted_passes() -> None:
    assert finding("userns", on({("probe", "userns", WHO): {"ok": True}})).outcome is Outcome.PASS


def test_a_try_that_fails_where_every_check_passes_is_a_cause_of_its_own() -> None:
    found = finding("userns", on({("probe", "userns", WHO): dict(REFUSED)}))
    assert (found.outcome, found.level, found.stages) == (Outcome.FAIL, Level.BLOCKING, EVERYTHING)
    assert "ENOSPC" in found.message
    assert "/proc/sys/user" in found.message


def test_a_try_that_fails_as_predicted_leaves_the_word_to_the_check_that_knows() -> None:
    row: Row = ROW["userns"]
    host = on({("probe", "userns", WHO): dict(REFUSED)}, {row.explains: ("userns.limits.user",)})
    found = finding("userns", host)
    assert found.outcome is Outcome.PASS
    assert "userns.limits.user" in found.message


def test_a_try_that_works_against_a_prediction_is_told_and_changes_nothing() -> None:
    row = ROW["userns"]
    host = on(
        {("probe", "userns", WHO): {"ok": True}}, {row.refutes: ("userns.unprivileged_clone",)}
    )
    found = finding("userns", host)
    assert (found.outcome, found.level, found.stages) == (Outcome.FAIL, Level.INFO, ())
    assert "userns.unprivileged_clone" in found.message


def test_the_maps_are_the_configs_and_the_path_the_sessions() -> None:
    question = ("probe", "idmap", WHO, ENV, TRIPLE, TRIPLE)
    assert finding("idmap", on({question: {"ok": True}})).outcome is Outcome.PASS


def test_a_chown_needs_the_users_own_id_in_the_map() -> None:
    own = f"{TRIPLE} 65536 1001 1"
    place = "/home/lxc/.local/share/lxc"
    question = ("probe", "chown", WHO, ENV, own, own, place, "0:0 65535:65535")
    assert finding("chown", on({question: {"ok": True}})).outcome is Outcome.PASS


def test_apparmor_may_allow_lxc_what_it_refuses_the_probe() -> None:
    place = "/home/lxc/.local/share/lxc"
    question = ("probe", "access", WHO, ENV, TRIPLE, TRIPLE, place)
    found = finding("access", on({question: dict(REFUSED)}, restricted="1"))
    assert (found.outcome, found.level, found.stages) == (Outcome.UNKNOWN, Level.INFO, ())
    found = finding("access", on({question: dict(REFUSED)}, restricted="0"))
    assert (found.outcome, found.stages) == (Outcome.FAIL, STARTING)


def test_apparmor_may_allow_lxc_the_map_that_it_refuses_the_probe() -> None:
    """Seen on Ubuntu 24.04: newuidmap fails below an unconfined program, and not below LXC's."""
    question = ("probe", "idmap", WHO, ENV, TRIPLE, TRIPLE)
    found = finding("idmap", on({question: dict(REFUSED)}, restricted="1"))
    assert (found.outcome, found.stages) == (Outcome.UNKNOWN, ())
    found = finding("idmap", on({question: dict(REFUSED)}, restricted="0"))
    assert (found.outcome, found.stages) == (Outcome.FAIL, EVERYTHING)


@pytest.mark.parametrize("key", ["cgroup", "usernic"])
def test_what_the_config_or_the_session_does_not_have_is_not_tried(key: str) -> None:
    assert finding(key, on({})).outcome is Outcome.NOT_APPLICABLE


def test_the_checks_that_predict_are_run_for_the_stages_they_decide() -> None:
    path = "/proc/sys/kernel/unprivileged_userns_clone"
    host = made_host({path: "0", "/etc/os-release": "ID=debian\n", "/etc/sysctl.conf": None})
    host.source.answers.update(  # type: ignore[attr-defined]
        {
            ("list", directory): None
            for directory in (
                "/etc/sysctl.d",
                "/run/sysctl.d",
                "/usr/local/lib/sysctl.d",
                "/usr/lib/sysctl.d",
                "/lib/sysctl.d",
            )
        }
    )
    host.source.answers["link", "/etc/sysctl.conf"] = None  # type: ignore[attr-defined]
    patterns = ("userns.unprivileged_clone", "kernel.release")
    assert host.get(predicted_failures, patterns, EVERYTHING) == ("userns.unprivileged_clone",)
    with pytest.raises(Unknown):
        host.probe("userns", WHO)
