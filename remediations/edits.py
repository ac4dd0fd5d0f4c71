"""What an edit makes of a text: the twin of `edited` in library.sh, for previews and forecasts.

tests/remediations/test_edits.py holds the two against each other.
"""

from __future__ import annotations

from remediations.actions import Append, Delete, Edit, Replace


class Changed(ValueError):
    """The text is not the one that the edit was made for."""


def edited(text: str, edit: Edit) -> str | None:
    """The text after the edit, None when there is nothing to do. Raises Changed.

    Lines are what awk(1) takes for lines; the result ends with a newline.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    match edit:
        case Append(_, line, _, behind):
            if line in lines and _last(lines, line) >= (_last(lines, behind) if behind else 0):
                return None
            lines.append(line)
        case Replace(_, number, old, new):
            if not _is_at(lines, number, old):
                if new in lines:
                    return None
                number = _first(lines, old)
            lines[number - 1] = new
        case Delete(_, number, old, alike):
            if lines.count(old) < max(alike, 1):
                return None
            del lines[(number if _is_at(lines, number, old) else _first(lines, old)) - 1]
    after = "".join(f"{line}\n" for line in lines)
    return None if after == text else after


def _last(lines: list[str], text: str) -> int:
    """The number of the last line that reads so, 0 for none."""
    return max((number for number, line in enumerate(lines, 1) if line == text), default=0)


def _is_at(lines: list[str], number: int, text: str) -> bool:
    return 1 <= number <= len(lines) and lines[number - 1] == text


def _first(lines: list[str], text: str) -> int:
    if text not in lines:
        raise Changed(f"there is no line any more that reads {text!r}")
    return lines.index(text) + 1
