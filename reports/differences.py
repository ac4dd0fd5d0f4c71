"""The difference of two reports, for `diff`."""

from __future__ import annotations

from typing import TextIO

from audit.comparison import Difference, Side
from reports.terminal import Page


def render(difference: Difference, out: TextIO) -> None:
    """What is new, what is fixed, what changed; the rest as a number."""
    page = Page(out)
    a, b = difference["a"], difference["b"]
    page.line((f"{a['verdict']} -> {b['verdict']}", "bold"))
    page.line((f"A: {_side(a)}", "dim"), indent=2, hang=2)
    page.line((f"B: {_side(b)}", "dim"), indent=2, hang=2)
    moved = [
        f"{stage} {one['a']} -> {one['b']}"
        for stage, one in difference["stages"].items()
        if one["a"] != one["b"]
    ]
    if moved:
        page.line(", ".join(moved), indent=2, hang=2)
    for title, findings, sign in (
        ("new", difference["new"], "fail"),
        ("fixed", difference["fixed"], "pass"),
    ):
        if findings:
            page.blank()
            page.line((f"{title} ({len(findings)})", "bold"))
        for one in findings:
            kind = f"{one['check']} ({one['level']}, {one['outcome']})  "
            page.line((f"{page.sign(sign)} ", sign), kind, one["message"], hang=4)
    if difference["changed"]:
        page.blank()
        page.line((f"changed ({len(difference['changed'])})", "bold"))
    for change in difference["changed"]:
        page.line((f"{page.sign('waived')} ", "warn"), change["check"], hang=4)
        page.line(
            (f"A {change['a']['outcome']}: {change['a']['message']}", "dim"), indent=4, hang=2
        )
        page.line(f"B {change['b']['outcome']}: {change['b']['message']}", indent=4, hang=2)
    page.blank()
    page.line((f"{difference['unchanged']} unchanged", "dim"), indent=2)


def _side(side: Side) -> str:
    words = [side["generated"], side["hostname"], side["user"]]
    return ", ".join(word for word in words if word)
