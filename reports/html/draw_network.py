"""The way of a packet: container, veth, quota, bridge, forwarding, translation, outside."""

from __future__ import annotations

from audit.pictures.entries import NetworkEntry
from reports.html.ladder import WIDTH, WORDS, Rung, known_state, ladder
from reports.html.svg import Picture, drawing

TITLE = "The way of a packet to the outside"


def draw(network: NetworkEntry) -> Picture:
    """A rung for each station of each network of the config."""
    rungs: list[Rung] = []
    if network["ways"] is None:
        why = "; ".join(network["unknown"].values())
        rungs.append(Rung("unknown", "the networks were not seen", (("", why),) if why else ()))
    for way in network["ways"] or ():
        for hop in way["hops"]:
            label = hop["name"] if hop["label"] == hop["name"] else f"{hop['name']} {hop['label']}"
            style = "bad" if hop["state"] == "bad" else ""
            aside = way["network"] if hop is way["hops"][0] else ""
            rungs.append(Rung(known_state(hop["state"]), label, ((style, hop["says"]),), aside))
    if network["more"]:
        rungs.append(Rung("unjudged", f"and {network['more']} more networks"))
    if network["note"]:
        rungs.append(Rung("absent", network["note"]))
    summary = _summary(network)
    shapes, height = ladder(rungs)
    words = tuple(_words(rung) for rung in rungs)
    svg = drawing("network", TITLE, summary, WIDTH, height, shapes)
    return Picture("network", TITLE, summary, svg, words)


def _summary(network: NetworkEntry) -> str:
    if network["ways"] is None:
        return "Which networks the container has is not known."
    hops = [hop for way in network["ways"] for hop in way["hops"]]
    blocked = [hop["name"] for hop in hops if hop["state"] == "bad"]
    if blocked:
        return f"A packet does not get past: {', '.join(dict.fromkeys(blocked))}."
    if not hops:
        return "The container has no network of its own."
    if len(hops) == len(network["ways"]):
        return "The container's networks lead nowhere: none is connected to the host."
    if any(hop["state"] == "unknown" for hop in hops):
        return "Whether a packet gets outside could not be seen at every station."
    return "A packet gets from the container to the outside."


def _words(rung: Rung) -> str:
    lines = "".join(f", {words}" for _, words in rung.lines)
    return f"{rung.name}: {WORDS[rung.state]}{lines}"
