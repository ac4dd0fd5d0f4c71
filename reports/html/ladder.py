"""A ladder: stations from top to bottom, each with a mark, a name and lines below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from reports.html.svg import shortened, tag, text, wrapped

WIDTH, LEFT, TEXT_AT = 400.0, 18.0, 42.0
# Characters that fit, at 6.1 units for one of a line and 7.3 for one of a name.
LINE_ROOM, NAME_ROOM = 56, 34

SIGNS = {"ok": "✓", "bad": "✗", "unknown": "?", "unjudged": "…", "absent": "–", "made": "+"}
WORDS = {
    "ok": "passes",
    "bad": "blocked",
    "unknown": "unknown",
    "unjudged": "not reached",
    "absent": "not asked",
    "made": "will be made",
}


def known_state(state: str) -> str:
    """A state that can be drawn: a report may be a stranger's file."""
    return state if state in SIGNS else "unknown"


class Rung(NamedTuple):
    """A station. `lines` are (style, words); `aside` stands at the right of the name."""

    state: str
    name: str
    lines: tuple[tuple[str, str], ...] = ()
    aside: str = ""


def ladder(rungs: Sequence[Rung]) -> tuple[Markup, float]:
    """The drawing's shapes and its height. Behind the first rung that is bad the rail is broken."""
    shapes: list[Markup] = []
    y, broken, before = 20.0, False, 0.0
    for number, rung in enumerate(rungs):
        if number:
            style = "rail broken" if broken or rung.state in ("unknown", "unjudged") else "rail"
            shapes.append(tag("line", x1=LEFT, y1=before + 11, x2=LEFT, y2=y - 11, class_=style))
        broken = broken or rung.state == "bad"
        shapes.append(_mark(rung.state, y))
        aside = shortened(rung.aside, 26)
        room = NAME_ROOM + 12 - round(len(aside) * 0.85)
        shapes.append(text(TEXT_AT, y + 4.5, shortened(rung.name, room), "name"))
        if aside:
            shapes.append(text(WIDTH - 4, y + 4.5, aside, "aside", "end"))
        before = y
        y += 18
        for style, words in rung.lines:
            for line in wrapped(words, LINE_ROOM):
                shapes.append(text(TEXT_AT, y + 3, line, f"line {style}".strip()))
                y += 15
        y += 16
    return Markup("").join(shapes), y - 12


def _mark(state: str, y: float) -> Markup:
    circle = tag("circle", cx=LEFT, cy=y, r=10, class_=f"mark {state}")
    sign = tag(
        "text", SIGNS[state], x=LEFT, y=y + 4.5, class_=f"sign {state}", text_anchor="middle"
    )
    return Markup("").join((circle, sign))
