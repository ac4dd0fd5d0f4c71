"""The axis of the host's ids: accounts, what is set aside, everybody's ranges, the container's map.

Four thousand million ids do not fit beside a range of 65,536, so the axis is cut: it is true in its
order and in what touches what, and not in its lengths. Every length grows with the logarithm of
what it stands for; a gap that belongs to nobody is a short break.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2
from typing import NamedTuple

from markupsafe import Markup

from audit.pictures.entries import AxisEntry, MapEntry, RangeEntry
from reports.html.svg import Picture, drawing, shortened, tag, text

LIMIT = 2**32
WIDTH, LEFT, RIGHT = 920.0, 118.0, 12.0
LANE, BAR = 34.0, 20.0
SMALL = 6.3  # units for a character of a label
# More of other people's ranges than this are drawn as one block for each run of neighbours.
MANY = 12
MOST = 120


# How what is set aside is called on a narrow bar.
SHORT = {
    "the accounts of the system": "system",
    "systemd-homed": "homed",
    "systemd's DynamicUser= services": "dynamic",
    "systemd-nspawn": "nspawn",
    "nobody: programs that take ids for signed numbers fail": "too high for some",
}


class Block(NamedTuple):
    """Other people's ranges that are drawn as one."""

    first: int
    last: int
    label: str


class Axis:
    """Host ids -> places. Cut at every id where something begins or ends."""

    def __init__(self, covered: Sequence[tuple[int, int]], points: Sequence[int]) -> None:
        cuts = {0, LIMIT}
        for first, last in (*covered, *((one, one) for one in points)):
            cuts |= {_id(first), _id(last + 1)}
        self.cuts = sorted(cuts)
        weights = [
            _weight(one, other, covered)
            for one, other in zip(self.cuts, self.cuts[1:], strict=False)
        ]
        scale = (WIDTH - LEFT - RIGHT) / (sum(weights) or 1)
        self.places = [LEFT]
        for weight in weights:
            self.places.append(self.places[-1] + weight * scale)

    def __call__(self, ident: int) -> float:
        """Where an id lies; only ids at which the axis was cut are asked for."""
        from bisect import bisect_left

        return self.places[min(bisect_left(self.cuts, _id(ident)), len(self.places) - 1)]


def _id(number: int) -> int:
    return max(0, min(number, LIMIT))


def _weight(first: int, end: int, covered: Sequence[tuple[int, int]]) -> float:
    size = max(end - first, 1)
    if size == 1:
        return 8
    if any(low <= first and end - 1 <= high for low, high in covered):
        return 18 + 5 * log2(size)
    return 24


def draw(axis: AxisEntry, kind: str, owner: str) -> Picture:
    """The picture for uids ("uid") or gids ("gid") of a user's containers."""
    axis = _bounded(axis)
    ranges, maps = axis["ranges"] or [], [one for one in axis["maps"] or [] if one["size"] > 0]
    mine = [one for one in ranges if one["own"]]
    shared = [(one["first"], one["last"]) for one in axis["overlaps"]]
    spans = [(one["first"], one["last"]) for one in mine]
    spans += [(one["outside"], one["outside"] + one["size"] - 1) for one in maps]
    others = _blocks([one for one in ranges if not one["own"]], [*shared, *spans])
    reserved = [(one["first"], one["last"]) for one in axis["reserved"]]
    covered = [*spans, *shared, *reserved, *((one.first, one.last) for one in others)]
    accounts = axis["accounts"] or []
    place = Axis(covered, [one["id"] for one in accounts])

    lanes: list[tuple[str, Markup | None]] = [
        ("accounts" if kind == "uid" else "groups", _accounts(axis, place)),
        ("set aside", _reserved(axis, place)),
        ("others", _others(axis, others, place)),
        (owner or "the user", _own(axis, mine, place)),
        ("container", _maps(axis, maps, place)),
    ]
    shapes: list[Markup] = []
    y = 26.0
    for name, shape in lanes:
        shapes.append(text(LEFT - 10, y + 14, shortened(name, 14), "lane", "end"))
        shapes.append(tag("line", x1=LEFT, y1=y + 27, x2=WIDTH - RIGHT, y2=y + 27, class_="lane"))
        content = (
            shape or text(LEFT + 4, y + 14, "not seen: unknown", "unseen")
            if shape is None
            else shape
        )
        shapes.append(tag("g", content, transform=f"translate(0 {y})") if shape else content)
        y += LANE
    shapes += _shared(axis, mine, place)
    shapes.append(_ticks(place, y + 4, spans, [*shared, *reserved]))
    y += 36
    shapes.append(_inside(maps, place, y, 26 + 4 * LANE + BAR + 2))
    height = y + (64 if maps else 0)
    title = f"The {kind}s of the host, and whose they are"
    summary = _summary(axis, mine, maps, kind, owner)
    svg = drawing(f"{kind}s", title, summary, WIDTH, height, *shapes)
    return Picture(f"{kind}s", title, summary, svg, _words(axis, kind), True)


def _bounded(axis: AxisEntry) -> AxisEntry:
    """No more than can be drawn: a report may be a stranger's file."""
    bounded = axis.copy()
    bounded["ranges"] = None if axis["ranges"] is None else axis["ranges"][:MOST]
    bounded["maps"] = None if axis["maps"] is None else axis["maps"][:MOST]
    bounded["accounts"] = None if axis["accounts"] is None else axis["accounts"][:MOST]
    bounded["reserved"], bounded["overlaps"] = axis["reserved"][:MOST], axis["overlaps"][:MOST]
    return bounded


def _knows_own(axis: AxisEntry) -> bool:
    return axis["ranges"] is not None and "own ranges" not in axis["unknown"]


def _blocks(others: Sequence[RangeEntry], near: Sequence[tuple[int, int]]) -> list[Block]:
    """Other people's ranges; when they are many, neighbours far from what matters are one block."""
    blocks: list[Block] = []
    run: list[RangeEntry] = []

    def close() -> None:
        if not run:
            return
        owners = {one["owner"] for one in run}
        label = run[0]["owner"] if len(run) == 1 else f"{len(owners)} users, {len(run)} ranges"
        blocks.append(Block(run[0]["first"], max(one["last"] for one in run), label))
        run.clear()

    for one in others:
        matters = any(one["first"] <= high + 1 and low <= one["last"] + 1 for low, high in near)
        between = bool(run) and any(run[0]["first"] <= low <= one["last"] for low, _ in near)
        if matters or between or len(others) <= MANY:
            close()
        run.append(one)
        if matters or len(others) <= MANY:
            close()
    close()
    return blocks


def _bar(place: Axis, first: int, last: int, style: str, label: str, title: str) -> Markup:
    x = place(first)
    width = max(place(last + 1) - x, 2.5)
    shapes = [
        tag("rect", tag("title", title), x=x, y=2, width=width, height=BAR, rx=3, class_=style)
    ]
    room = int((width - 8) / SMALL)
    if room >= min(len(label), 9):
        words = shortened(label, room)
        shapes.append(text(x + width / 2, 16, words, f"in {style}", "middle"))
    return Markup("").join(shapes)


def _accounts(axis: AxisEntry, place: Axis) -> Markup | None:
    if axis["accounts"] is None:
        return None
    shapes: list[Markup] = []
    free = 0.0
    for one in axis["accounts"]:
        x = (place(one["id"]) + place(one["id"] + 1)) / 2
        title = tag("title", f"{one['name']} {one['id']}")
        shapes.append(tag("circle", title, cx=x, cy=16, r=3.5, class_="account"))
        words = shortened(one["name"], 12)
        half = len(words) * SMALL / 2
        start = max(x - half, LEFT)
        if start >= free:
            shapes.append(text(start + half, 8, words, "small", "middle"))
            free = start + 2 * half + 4
    return Markup("").join(shapes)


def _reserved(axis: AxisEntry, place: Axis) -> Markup:
    return Markup("").join(
        _bar(
            place,
            one["first"],
            one["last"],
            "reserved",
            SHORT.get(one["whose"], one["whose"]),
            f"{one['first']}-{one['last']}: {one['whose']}",
        )
        for one in axis["reserved"]
    )


def _others(axis: AxisEntry, others: Sequence[Block], place: Axis) -> Markup | None:
    if axis["ranges"] is None:
        return None
    if not others:
        return text(LEFT + 4, 16, "nobody", "small")
    return Markup("").join(
        _bar(place, one.first, one.last, "other", one.label, f"{one.first}-{one.last}: {one.label}")
        for one in others
    )


def _own(axis: AxisEntry, mine: Iterable[RangeEntry], place: Axis) -> Markup | None:
    if not _knows_own(axis):
        return None
    bars = [
        _bar(
            place,
            one["first"],
            one["last"],
            "own",
            f"{one['last'] - one['first'] + 1} ids",
            f"{one['first']}-{one['last']}, line {one['line']}",
        )
        for one in mine
    ]
    return Markup("").join(bars) if bars else text(LEFT + 4, 16, "nothing is granted", "unseen bad")


def _maps(axis: AxisEntry, maps: Iterable[MapEntry], place: Axis) -> Markup | None:
    if axis["maps"] is None:
        return None
    bars: list[Markup] = []
    for one in maps:
        last = one["outside"] + one["size"] - 1
        style = {True: "map", False: "map refused", None: "map doubtful"}[one["granted"]]
        fate = {True: "", False: ", refused", None: ", not known whether granted"}[one["granted"]]
        title = f"{one['inside']}... is {one['outside']}-{last} on the host{fate}"
        bars.append(_bar(place, one["outside"], last, style, f"{one['size']} ids{fate}", title))
    return (
        Markup("").join(bars) if bars else text(LEFT + 4, 16, "the config maps nothing", "unseen")
    )


def _shared(axis: AxisEntry, mine: Sequence[RangeEntry], place: Axis) -> list[Markup]:
    """Bands over what two owners have: over the lane of others, and the user's when it is one."""
    bands: list[Markup] = []
    for one in axis["overlaps"]:
        x = place(one["first"])
        width = max(place(one["last"] + 1) - x, 3)
        label = f"shared: {one['first']}-{one['last']}: {' and '.join(one['owners'])}"
        own = any(r["first"] <= one["last"] and one["first"] <= r["last"] for r in mine)
        height = 2 * LANE if own else LANE - 4
        tip = tag("title", label)
        top = 22 + 2 * LANE
        bands.append(tag("rect", tip, x=x, y=top, width=width, height=height, class_="shared"))
    return bands


def _ticks(
    place: Axis, y: float, first: Sequence[tuple[int, int]], then: Sequence[tuple[int, int]]
) -> Markup:
    """The numbers on the axis: those of the user first, then others where there is room."""
    shapes = [tag("line", x1=LEFT, y1=y, x2=WIDTH - RIGHT, y2=y, class_="axis")]
    taken: list[tuple[float, float]] = []
    numbers = [number for low, high in first for number in (low, high)]
    numbers += [0, *(number for low, high in then for number in (low, high))]
    for number in dict.fromkeys(map(_id, numbers)):
        if number == LIMIT:
            continue
        x = place(number) if number in place.cuts else place(number + 1)
        half = len(str(number)) * SMALL / 2 + 3
        middle = min(max(x, LEFT + half - 3), WIDTH - RIGHT - half + 3)
        if any(middle - half < high and low < middle + half for low, high in taken):
            continue
        taken.append((middle - half, middle + half))
        shapes.append(tag("line", x1=x, y1=y, x2=x, y2=y + 5, class_="axis"))
        shapes.append(text(middle, y + 17, str(number), "small number", "middle"))
    return Markup("").join(shapes)


def _inside(maps: Sequence[MapEntry], place: Axis, y: float, top: float) -> Markup:
    """The container's own ids, each line of the map tied to where it lies on the host."""
    if not maps:
        return Markup("")
    own = sorted(maps, key=lambda one: one["inside"])
    weights = [12 + log2(max(min(one["size"], LIMIT), 1)) for one in own]
    length = min(360.0, 120.0 + 80.0 * len(own))
    x = LEFT + (WIDTH - LEFT - RIGHT - length) / 2
    shapes = [text(LEFT - 10, y + 38, "inside", "lane", "end")]
    for one, weight in zip(own, weights, strict=True):
        width = length * weight / sum(weights)
        low, high = place(one["outside"]), place(one["outside"] + one["size"])
        style = {True: "", False: " refused", None: " doubtful"}[one["granted"]]
        points = f"{low:.1f},{top} {high:.1f},{top} {x + width:.1f},{y + 24} {x:.1f},{y + 24}"
        shapes.append(tag("polygon", points=points, class_=f"tie{style}"))
        last = one["inside"] + one["size"] - 1
        label = f"{one['inside']}-{last}" if last > one["inside"] else str(last)
        shapes.append(
            tag("rect", x=x, y=y + 24, width=width, height=BAR, rx=3, class_=f"map{style}")
        )
        shapes.append(
            text(x + width / 2, y + 38, shortened(label, int(width / SMALL)), "in map", "middle")
        )
        x += width
    return Markup("").join(shapes)


def _summary(
    axis: AxisEntry, mine: Sequence[RangeEntry], maps: Sequence[MapEntry], kind: str, owner: str
) -> str:
    whose = owner or "the user"
    words: list[str] = []
    if not _knows_own(axis):
        words.append(f"Which {kind}s are granted could not be seen")
    elif mine:
        total = sum(one["last"] - one["first"] + 1 for one in mine)
        words.append(f"{whose} has {total} {kind}s of its own")
    else:
        words.append(f"{whose} has no {kind}s of its own")
    if axis["maps"] is None:
        words.append("the container's map could not be seen")
    elif any(one["granted"] is False for one in maps):
        words.append("the container's map reaches beyond what is granted")
    elif maps and all(one["granted"] for one in maps):
        words.append("the container's map lies within what is granted")
    if axis["overlaps"]:
        number = len(axis["overlaps"])
        ranges = "one range is" if number == 1 else f"{number} ranges are"
        words.append(f"{ranges} shared by two owners")
    return "; ".join(words) + "."


def _words(axis: AxisEntry, kind: str) -> tuple[str, ...]:
    """Everything that the picture shows, in words."""
    lines: list[str] = list(axis["notes"])
    lines += [f"not seen: {what}: {why}" for what, why in axis["unknown"].items()]
    for one in axis["maps"] or ():
        last = one["outside"] + one["size"] - 1
        granted = {True: "granted", False: "refused", None: "not known whether granted"}
        fate = granted[one["granted"]]
        span = f"{one['inside']} and {one['size'] - 1} more"
        lines.append(f"the container's {kind} {span}: {one['outside']}-{last} on the host, {fate}")
    for row in axis["ranges"] or ():
        where = f", line {row['line']}" if row["line"] else ""
        lines.append(f"{row['first']}-{row['last']}: granted to {row['owner']}{where}")
    if axis["more_ranges"]:
        lines.append(f"and {axis['more_ranges']} more ranges of others")
    for shared in axis["overlaps"]:
        owners = " and ".join(shared["owners"])
        lines.append(f"{shared['first']}-{shared['last']}: shared by {owners}")
    for account in axis["accounts"] or ():
        lines.append(f"{account['id']}: {account['name']}")
    if axis["more_accounts"]:
        lines.append(f"and {axis['more_accounts']} more accounts")
    for reserved in axis["reserved"]:
        lines.append(f"{reserved['first']}-{reserved['last']}: set aside for {reserved['whose']}")
    return tuple(lines)
