"""A report of a host whose every word means harm."""

from __future__ import annotations

from collections.abc import Callable
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


def poisoned(report: Report) -> Report:
    """The same report with poison in front of every text of the host."""
    return cast(Report, _poisoned(report))


def poisoned_first(test: Callable[..., None]) -> Callable[..., None]:
    """Have a property test begin with the poisoned report of a broken host, whatever is drawn."""
    return tried(report=poisoned(example("broken")))(test)


def _poisoned(value: Any) -> Any:
    if isinstance(value, str):
        return POISON + value
    if isinstance(value, list):
        return [_poisoned(one) for one in value]
    if isinstance(value, dict):
        return {
            key: one if key in OURS and not isinstance(one, dict) else _poisoned(one)
            for key, one in value.items()
        }
    return value
