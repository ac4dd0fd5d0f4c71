"""SVG as safe text: every attribute and every word of a host is escaped here and nowhere else."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup, escape

from audit.untrusted import visible

# Of one word in a picture; the list beside it has the whole.
MAX_LABEL = 200


class Picture(NamedTuple):
    """A drawing with the words that stand for it: a title, one sentence, and all it shows."""

    name: str
    title: str
    summary: str
    svg: Markup
    words: tuple[str, ...]
    wide: bool = False


def tag(element: str, *children: Markup | str, **attributes: object) -> Markup:
    """An element. `class_` is class, and other underscores are hyphens; None leaves out."""
    words = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(
        one if isinstance(one, Markup) else escape(visible(one, MAX_LABEL)) for one in children
    )
    return Markup(f"<{element}{words}>{inside}</{element}>")


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return visible(str(value))


def text(x: float, y: float, words: str, class_: str = "", anchor: str | None = None) -> Markup:
    return tag("text", words, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def drawing(
    name: str,
    title: str,
    summary: str,
    width: float,
    height: float,
    *shapes: Markup,
    has_links: bool = False,
) -> Markup:
    """The svg element, with its title and its description for those who do not see it.

    An image hides what is in it from them, so a drawing with links is none.
    """
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", summary, id=f"{name}-desc"),
        *shapes,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        role="group" if has_links else "img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_=f"drawing {name}",
    )


def shortened(words: str, room: int) -> str:
    """At most `room` characters, what is too much cut out of the middle."""
    words = visible(words, 4 * MAX_LABEL)
    if len(words) <= room:
        return words
    tail = room // 2
    return f"{words[: room - tail - 1]}…{words[-tail:]}"


def wrapped(words: str, room: int, most: int = 3) -> list[str]:
    """Lines of at most `room` characters; what does not fit into `most` of them is cut."""
    lines: list[str] = []
    line = ""
    for word in visible(words, 4 * MAX_LABEL).split(" "):
        word = shortened(word, room)
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], shortened(" ".join(lines[most - 1 :]), room)]
    return lines
