"""A page on a terminal or a pipe: rich draws it, and nothing that a host says can draw anything.

Rich's markup, emoji codes and highlighting are off, and every text goes through `visible`.
"""

from __future__ import annotations

import os
from typing import TextIO

from audit.errors import UsageError
from audit.untrusted import visible

try:
    from rich.console import Console
    from rich.text import Text
except ModuleNotFoundError as missing:
    raise UsageError(
        f"the Python library {missing.name} is not installed: install it, or use --format json"
    ) from None

# Columns. A pipe has no width; below the least, wrapping helps nobody.
ON_A_PIPE, LEAST, MOST = 100, 40, 200
# Characters of one text that a person is shown; the JSON report holds more.
MAX_SHOWN = 600

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "warn": "yellow",
    "unknown": "magenta",
    "dim": "dim",
    "bold": "bold",
    "command": "cyan",
    "": "",
    "not-applicable": "dim",
    "skipped": "dim",
    "waived": "dim",
    "separator": "dim",
}
SIGNS = {
    "pass": ("✓", "+"),
    "fail": ("✗", "x"),
    "warn": ("!", "!"),
    "unknown": ("?", "?"),
    "not-applicable": ("·", "."),
    "skipped": ("↳", ">"),
    "waived": ("~", "~"),
    "separator": ("·", "-"),
}

Part = str | tuple[str, str]  # words, or (words, style)


class Page:
    """Lines with hanging indents, as wide as the reader's terminal."""

    def __init__(self, out: TextIO) -> None:
        self.width = width_of(out)
        self.console = Console(
            file=out,
            width=self.width,
            # No styles at all and not only no colours: https://no-color.org
            color_system=None if os.environ.get("NO_COLOR") else "auto",
            markup=False,
            emoji=False,
            highlight=False,
            soft_wrap=True,
        )
        encoding = getattr(out, "encoding", None) or "utf-8"
        self._ascii = not encoding.lower().replace("-", "").startswith("utf")

    def sign(self, name: str) -> str:
        """A sign, in ASCII where the output has nothing else."""
        return SIGNS[name][self._ascii]

    def line(self, *parts: Part, indent: int = 0, hang: int = 0) -> None:
        """A paragraph of styled parts; lines after the first begin `hang` columns further right."""
        text = Text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            text.append(visible(words, MAX_SHOWN), STYLES[style])
        room = max(self.width - indent - hang, 20)
        first, *rest = text.wrap(self.console, room + hang, overflow="fold")
        if rest and hang:  # the first line has more room than those that follow
            following = text[len(first.plain) :]
            blanks = len(following.plain) - len(following.plain.lstrip(" "))
            rest = list(following[blanks:].wrap(self.console, room, overflow="fold"))
        self._print(first, indent)
        for one in rest:
            self._print(one, indent + hang)

    def command(self, command: str, indent: int) -> None:
        """A command to type: never wrapped and never cut, because half of it is another command."""
        self._print(Text(visible(command), STYLES["command"]), indent)

    def blank(self) -> None:
        self.console.print()

    def _print(self, text: Text, indent: int) -> None:
        text.rstrip()
        self.console.print(Text(" " * indent) + text, no_wrap=True, crop=False, overflow="ignore")


def width_of(out: TextIO) -> int:
    """The columns to fill: $COLUMNS, else the terminal's, else those of a pipe."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdecimal() and len(given) < 6 and int(given):
        columns = int(given)
    else:
        try:
            columns = os.get_terminal_size(out.fileno()).columns or ON_A_PIPE
        except (OSError, ValueError):  # no terminal; no file descriptor
            columns = ON_A_PIPE
    return max(LEAST, min(columns, MOST))
