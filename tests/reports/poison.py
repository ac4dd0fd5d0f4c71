"""A report of a host whose every word means harm."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any, cast

from hypothesis import example as tried

from audit.report import Report
from tests.reports.examples import example

# Out of an attribute, an element, a template, a terminal, CDATA, a workflow command, a label, code,
# a table, a link.
POISON = (
    "\"><img src=x onerror=alert(1)>'<script>alert(2)</script>{{7*7}}\x1b[2J\u202e&#0;]]>%3A"
    '\n::error::x\r\n\\" `` **b** _i_ | [l](http://x) @me #1 ![i](x)\x00 '
)
# Words of ours: a host has no say in them.
OURS = {
    "schema",
    "verdict",
    "level",
    "outcome",
    "check",
    "area",
    "stages",
    "because",
    "skipped_because",
    "state",
    "fate",
    "checks",
    "after",
    "then",
    "generated",
    "expires",
}


# Words that a saved report is refused for when they are others (audit/saved.py).
DEMANDED = {"schema", "level", "outcome"}


def poisoned(report: Report, ours: Set[str] = frozenset(OURS)) -> Report:
    """The same report with poison in front of every text of the host."""
    return cast(Report, _poisoned(report, ours))


def forged(report: Report) -> Report:
    """A stranger's file: poison wherever reading it back does not look."""
    return poisoned(report, DEMANDED)


def poisoned_first(test: Callable[..., None]) -> Callable[..., None]:
    """Have a property test begin with the poisoned report of a broken host, whatever is drawn."""
    return tried(report=poisoned(example("broken")))(test)


def _poisoned(value: Any, ours: Set[str]) -> Any:
    if isinstance(value, str):
        return POISON + value
    if isinstance(value, list):
        return [_poisoned(one, ours) for one in value]
    if isinstance(value, dict):
        return {
            key: one if key in ours and not isinstance(one, dict) else _poisoned(one, ours)
            for key, one in value.items()
        }
    return value
