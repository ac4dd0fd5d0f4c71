"""The cgroups from the top down to the container's, and which controllers get through."""

from __future__ import annotations

from itertools import zip_longest

from audit.pictures.entries import CgroupChainEntry, CgroupEntry
from reports.html.ladder import WIDTH, Rung, ladder
from reports.html.svg import Picture, drawing

TITLE = "The way of the cgroup controllers"
FATES = {
    "set": "in force",
    "ignored": "ignored without a word",
    "fails": "stops the start",
    "moot": "has no effect for a user",
}
BAD_FATES = ("ignored", "fails")


def draw(chain: CgroupChainEntry) -> Picture:
    """Each cgroup2 on the way with what it hands down, then the hierarchies of cgroup v1."""
    rungs: list[Rung] = []
    levels = chain["levels"]
    if levels is None:
        why = "; ".join(chain["unknown"].values())
        rungs.append(Rung("unknown", "the cgroups were not seen", (("", why),) if why else ()))
    for level, following in zip_longest(levels or (), (levels or ())[1:]):
        rungs.append(_level(level, following))
    for one in chain["legacy"]:
        if one["writable"]:
            rungs.append(
                Rung("ok", f"v1 {one['name']}", (("", f"{one['directory']}: the user's"),))
            )
    passed_over = [one["name"] for one in chain["legacy"] if not one["writable"]]
    if passed_over:
        lines = (("", ", ".join(passed_over)), ("", "not the user's: LXC passes them over"))
        rungs.append(Rung("absent", "other v1 hierarchies", lines))
    rungs.append(_container(chain))
    summary = _summary(chain)
    shapes, height = ladder(rungs)
    words = tuple(_words(rung) for rung in rungs)
    svg = drawing("cgroup", TITLE, summary, WIDTH, height, shapes)
    return Picture("cgroup", TITLE, summary, svg, words)


def _level(level: CgroupEntry, following: CgroupEntry | None) -> Rung:
    owner = "" if level["owner"] is None else f"owner {level['owner']}"
    lines: list[tuple[str, str]] = []
    if level["there"] is None:
        state = "unknown"
        lines.append(("", "not seen"))
    elif not level["there"]:
        state = "made"
        lines.append(("", "not there yet: a login or the start makes it"))
    else:
        state = "ok"
    if following is None and level["available"] is not None:
        lines.append(("", f"has {_listed(level['available'])}"))
    elif level["handed"] is not None:
        # What the next one gets is decided when it is made.
        yet = " yet" if following is not None and following["there"] is False else ""
        lines.append(("", f"hands down {_listed(level['handed'])}{yet}"))
    return Rung(state, level["name"], tuple(lines), owner)


def _container(chain: CgroupChainEntry) -> Rung:
    lines: list[tuple[str, str]] = []
    if chain["error"]:
        lines.append(("bad", chain["error"]))
    for limit in chain["limits"]:
        style = "bad" if limit["fate"] in BAD_FATES else ""
        fate = FATES.get(limit["fate"], limit["fate"])
        lines.append((style, f"{limit['key']} = {limit['value']}: {fate}"))
    if chain["own_cgroup"] is None:
        return Rung("unknown", "the container", (*lines, ("", "what it gets is not known")))
    if not chain["own_cgroup"]:
        state = "bad" if chain["error"] else "absent"
        return Rung(state, "the container", (*lines, ("", "has no cgroup of its own")))
    got = chain["controllers"] or []
    lines.insert(0, ("", f"gets {_listed(got)}" if got else "gets a cgroup, and no cgroup2 limits"))
    bad = any(limit["fate"] in BAD_FATES for limit in chain["limits"]) or chain["error"]
    return Rung("bad" if bad else "ok", "the container", tuple(lines))


def _summary(chain: CgroupChainEntry) -> str:
    if chain["own_cgroup"] is None:
        return "Which cgroup the container gets is not known."
    seat = f"Started from {chain['seat']}"
    if chain["error"]:
        return f"{seat}, the start fails: {chain['error']}."
    if not chain["own_cgroup"]:
        return f"{seat}, the container stays in the cgroup of lxc-start: no limit holds."
    got = chain["controllers"]
    if not got:
        return f"{seat}, the container gets a cgroup of its own."
    return f"{seat}, the container gets a cgroup of its own with {_listed(got)}."


def _listed(names: list[str]) -> str:
    return " ".join(names) if names else "nothing"


def _words(rung: Rung) -> str:
    return ", ".join(filter(None, (rung.name, rung.aside, *(words for _, words in rung.lines))))
