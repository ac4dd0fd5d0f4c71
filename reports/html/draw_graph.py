"""Which failures make which checks moot, and which stages they stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from audit.model import Outcome
from audit.report import FindingEntry, Report, column
from reports.folding import by_weight, consequences
from reports.html.anchors import anchor
from reports.html.svg import Picture, drawing, shortened, tag, text

TITLE = "What hangs on what"
MOST_NODES = 36
ROW, BOX, GAP, CHARACTER = 40.0, 28.0, 70.0, 7.0
LONGEST = 30


class Node(NamedTuple):
    """A box: a failed check, a check that was not judged, or a stage."""

    name: str
    label: str
    style: str
    column: int


def draw(report: Report) -> Picture | None:
    """None when no check failed: there is nothing to connect."""
    findings = report["findings"]
    failed = [one for one in findings if column(one) == "fail" and one["level"] in SHOWN]
    folded = consequences(findings)
    causes = by_weight(failed, folded)
    if not causes:
        return None
    arrows = _arrows(report, causes, folded)
    left = max(0, len({name for pair in arrows for name in pair} | set(causes)) - MOST_NODES)
    kept = list(dict.fromkeys([*causes, *(name for pair in arrows for name in pair)]))[:MOST_NODES]
    arrows = [pair for pair in arrows if pair[0] in kept and pair[1] in kept]
    depth = _depths(kept, arrows)
    levels = {one["check"]: one["level"] for one in failed}
    nodes = [
        Node(name, shortened(name, LONGEST), levels.get(name, "skipped"), depth[name])
        for name in kept
    ]
    stops = [pair for pair in _stops(failed, kept) if pair[1] in report["stages"]]
    last = max(depth.values()) + 1
    stages = [
        Node(f"stage {name}", name.replace("_", " "), "stage", last)
        for name in report["stages"]
        if any(name == stage for _, stage in stops)
    ]
    places, width, height = _placed([*_untangled(nodes, arrows), *stages])
    shapes = [_curve(places, one, f"stage {stage}", "stops") for one, stage in stops]
    shapes += [_curve(places, one, other, "arrow") for one, other in arrows]
    shapes += [_box(node, *places[node.name]) for node in (*nodes, *stages)]
    if left:
        shapes.append(text(4, height + 14, f"and {left} more checks", "line"))
    summary = _summary(causes, folded)
    height += 20 * bool(left)
    svg = drawing("graph", TITLE, summary, width, height, *shapes, has_links=True)
    return Picture("graph", TITLE, summary, svg, _words(causes, folded, stops), True)


SHOWN = ("blocking", "degraded")


def _arrows(
    report: Report, causes: Sequence[str], folded: Mapping[str, list[str]]
) -> list[tuple[str, str]]:
    """Cause -> consequence, by what the checks come after; else straight from the root cause."""
    skipped = {one["check"] for one in report["findings"] if one["outcome"] == Outcome.SKIPPED}
    shown = {*causes, *(name for cause in causes for name in folded.get(cause, ()))}
    pictures = report["pictures"]
    pairs = [tuple(pair) for pair in pictures["after"]] if pictures else []
    found = [
        (pair[0], pair[1])
        for pair in pairs
        if len(pair) == 2 and pair[0] in shown and pair[1] in shown & skipped
    ]
    reached = {name for _, name in found}
    for cause in causes:
        found += [(cause, name) for name in folded.get(cause, ()) if name not in reached]
    return list(dict.fromkeys(found))


def _depths(names: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The column of each node: one to the right of its furthest cause. A circle ends the search."""
    depth = dict.fromkeys(names, 0)
    for _ in range(min(len(names), 8)):
        moved = False
        for one, other in arrows:
            if depth[other] < depth[one] + 1 and one != other:
                depth[other], moved = depth[one] + 1, True
        if not moved:
            break
    return depth


def _untangled(nodes: Sequence[Node], arrows: Sequence[tuple[str, str]]) -> list[Node]:
    """The nodes so that each is about as high as what leads to it."""
    height = {node.name: float(row) for row, node in enumerate(n for n in nodes if not n.column)}
    ordered: list[Node] = []
    for number in range(max(node.column for node in nodes) + 1):
        for node in nodes:
            if node.column == number and number:
                above = [height.get(one, 0.0) for one, other in arrows if other == node.name]
                height[node.name] = sum(above) / len(above) if above else 0.0
        own = [node for node in nodes if node.column == number]
        ordered += sorted(own, key=lambda node: height[node.name])
    return ordered


def _stops(failed: Sequence[FindingEntry], kept: Sequence[str]) -> list[tuple[str, str]]:
    found = [(one["check"], stage) for one in failed for stage in one["stages"]]
    return [pair for pair in dict.fromkeys(found) if pair[0] in kept]


def _placed(
    nodes: Sequence[Node],
) -> tuple[dict[str, tuple[float, float, float]], float, float]:
    """(x, y, width) of each box, and the size of the whole."""
    columns: dict[int, list[Node]] = {}
    for node in nodes:
        columns.setdefault(node.column, []).append(node)
    tallest = max(map(len, columns.values()))
    places: dict[str, tuple[float, float, float]] = {}
    x = 2.0
    for number in sorted(columns):
        own = columns[number]
        width = max(len(node.label) for node in own) * CHARACTER + 22
        top = (tallest - len(own)) * ROW / 2 + 4
        for row, node in enumerate(own):
            places[node.name] = (x, top + row * ROW, width)
        x += width + GAP
    return places, x - GAP + 2, tallest * ROW


def _curve(
    places: Mapping[str, tuple[float, float, float]], one: str, other: str, style: str
) -> Markup:
    x1, y1, width = places[one]
    x2, y2, _ = places[other]
    x1, y1, y2 = x1 + width, y1 + BOX / 2, y2 + BOX / 2
    middle = (x1 + x2) / 2
    path = f"M{x1:.0f} {y1:.0f}C{middle:.0f} {y1:.0f} {middle:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    return tag("path", d=path, class_=style)


def _box(node: Node, x: float, y: float, width: float) -> Markup:
    shapes = Markup("").join(
        (
            tag("title", node.name.removeprefix("stage ")),
            tag("rect", x=x, y=y, width=width, height=BOX, rx=6, class_=f"box {node.style}"),
            text(x + width / 2, y + 18.5, node.label, f"label {node.style}", "middle"),
        )
    )
    if node.style == "stage":
        return tag("g", shapes)
    return tag("a", shapes, href=f"#{anchor(node.name)}")


def _summary(causes: Sequence[str], folded: Mapping[str, list[str]]) -> str:
    moot = {name for cause in causes for name in folded.get(cause, ())}
    checks = "1 check fails" if len(causes) == 1 else f"{len(causes)} checks fail"
    if not moot:
        return f"{checks}; every other check could be judged all the same."
    others = "1 other" if len(moot) == 1 else f"{len(moot)} others"
    return f"{checks}, and because of that {others} could not be judged."


def _words(
    causes: Sequence[str], folded: Mapping[str, list[str]], stops: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    lines: list[str] = []
    for cause in causes:
        own = [stage.replace("_", " ") for name, stage in stops if name == cause]
        line = f"{cause} stops {', '.join(own)}" if own else f"{cause} stops no stage"
        if moot := folded.get(cause):
            line += f"; not judged because of it: {', '.join(moot)}"
        lines.append(line)
    return tuple(lines)
