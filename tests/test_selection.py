"""--select and --ignore choose what is shown and counted, never what is judged."""

from __future__ import annotations

import pytest

from audit.engine import CheckResult
from audit.errors import UsageError
from audit.model import Check, Fail, Level, Outcome, Pass
from audit.model import Finding as F
from audit.selection import Selection, demand_known, did_you_mean, matches, selection


def check(name: str, *aliases: str) -> Check:
    return Check(name, "", Level.BLOCKING, lambda host: iter(()), "", aliases=aliases)


CHECKS = {one.id: one for one in (check("idmap.subuid"), check("network.quota", "net.quota"))}


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("network.quota", True),
        ("network.*", True),
        ("*.quota", True),
        ("network", True),
        ("net.quota", True),
        ("net", True),
        ("net*", True),
        ("quota", False),
        ("Network.quota", False),
        ("network.quot", False),
    ],
)
def test_globs_areas_and_old_names_match(pattern: str, matched: bool) -> None:
    assert matches(CHECKS["network.quota"], (pattern,)) is matched


def test_options_are_comma_separated_and_repeated() -> None:
    assert selection(["a.b, c.d", "e"], [","]) == Selection(("a.b", "c.d", "e"), ())


def kept(chosen: Selection, *results: CheckResult) -> list[str]:
    return [result.check.id for result in chosen.keep(results)]


CAUSE = CheckResult(check("kernel.userns"), (Fail("no"),))
CONSEQUENCE = CheckResult(check("idmap.subuid"), (F(Outcome.SKIPPED, ""),), (), ("kernel.userns",))
OTHER = CheckResult(check("network.quota"), (Pass("ok"),))
BROKEN = CheckResult(check("plugin.acme"), (F(Outcome.ERROR, ""),))


def test_a_selected_consequence_brings_its_cause() -> None:
    assert kept(Selection(("idmap",)), CAUSE, CONSEQUENCE, OTHER) == [
        "kernel.userns",
        "idmap.subuid",
    ]


def test_what_is_ignored_is_gone_even_as_a_cause() -> None:
    chosen = Selection((), ("kernel.*",))
    assert kept(chosen, CAUSE, CONSEQUENCE, OTHER) == ["idmap.subuid", "network.quota"]


def test_a_broken_plugin_stays_unless_it_is_ignored() -> None:
    assert kept(Selection(("network",)), OTHER, BROKEN) == ["network.quota", "plugin.acme"]
    assert kept(Selection(("network",), ("plugin",)), OTHER, BROKEN) == ["network.quota"]


def test_a_selected_id_that_nobody_has_is_an_error() -> None:
    demand_known(selection(["idmap,net.*"], []), CHECKS)
    with pytest.raises(UsageError, match=r"idmap.subuit: .*did you mean idmap.subuid"):
        demand_known(selection(["idmap.subuit"], []), CHECKS)
    assert "`lxc-preflight checks` lists them" in did_you_mean("zzzzzz", CHECKS)
