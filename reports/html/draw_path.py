"""The directories from / to the container's files, as its mapped root meets them."""

from __future__ import annotations

from audit.pictures.entries import PathEntry, StepEntry
from reports.html.ladder import WIDTH, WORDS, Rung, ladder
from reports.html.svg import Picture, drawing

TITLE = "The way to the container's files"


def draw(path: PathEntry) -> Picture:
    """A rung for each directory. Behind the one that blocks nothing is reached."""
    root = path["root"]
    uid = root.partition(":")[0] if root else "unknown"
    rungs: list[Rung] = []
    blocked = ""
    for step in path["steps"] or ():
        rungs.append(_rung(step, reached=not blocked))
        if step["passes"] is False and not blocked:
            blocked = step["path"]
    if path["steps"] is None or path["closed"]:
        why = "; ".join(path["unknown"].values())
        where = f"behind {path['closed']}" if path["closed"] else "the way"
        rungs.append(Rung("unknown", f"{where} was not seen", (("", why),) if why else ()))
    if blocked:
        summary = f"The container's root, uid {uid} on the host, cannot pass {blocked}."
    elif root is None:
        summary = "Which id the container's root has on the host is not known."
    elif any(rung.state == "unknown" for rung in rungs):
        summary = f"Whether uid {uid} passes every directory could not be seen."
    else:
        summary = f"The container's root, uid {uid} on the host, passes every directory."
    shapes, height = ladder(rungs)
    words = tuple(_words(rung) for rung in rungs)
    svg = drawing("path", TITLE, summary, WIDTH, height, shapes)
    return Picture("path", TITLE, summary, svg, words)


def _rung(step: StepEntry, *, reached: bool) -> Rung:
    path = step["path"]
    name = path if path == "/" else path.rpartition("/")[2]
    aside = " ".join(filter(None, (step["mode"], step["owner"], "acl" if step["acl"] else "")))
    lines: list[tuple[str, str]] = []
    if step["passes"] is False:
        state = "bad"
        lines.append(("bad", step["reason"]))
    elif step["passes"] is None:
        state = "unknown"
    elif not reached:
        state = "unjudged"
    else:
        state = "made" if step["made"] else "ok"
    if step["made"]:
        lines.append(("", "lxc-create will make it"))
    return Rung(state, name, tuple(lines), aside or ("not seen" if state == "unknown" else ""))


def _words(rung: Rung) -> str:
    more = "".join(f", {words}" for _, words in rung.lines)
    aside = f" ({rung.aside})" if rung.aside else ""
    return f"{rung.name}{aside}: {WORDS[rung.state]}{more}"
