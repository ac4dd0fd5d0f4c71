"""Renderers of a report. They see a report and never the host.

One file per format, to_FORMAT.py, with `render(report, out, verbose=...)` and `SUFFIX`, the end of
the names of files in that format ("" when it is for terminals only). The folder is the list.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from audit.errors import UsageError
from audit.registry import names_in

if TYPE_CHECKING:
    from audit.report import Report


class Renderer(Protocol):
    """Write a report to `out`; `verbose` shows every check where the format leaves some out."""

    def __call__(self, report: Report, out: TextIO, *, verbose: bool = False) -> None: ...


def formats() -> tuple[str, ...]:
    """The names of the formats, text first because it is the default."""
    files = (name for name in names_in(sys.modules[__name__]) if name.startswith("to_"))
    names = (name.removeprefix("to_") for name in files)
    return tuple(sorted(names, key=lambda name: (name != "text", name)))


def renderer(name: str) -> Renderer:
    """The renderer of a format."""
    return _module(name)[0]


def renderer_by_suffix(path: str) -> Renderer:
    """The renderer for a file, by its suffix; raises UsageError for one that no format has."""
    suffixes: dict[str, Renderer] = {}
    for name in formats():
        render, suffix = _module(name)
        if suffix:
            suffixes[suffix] = render
    for suffix, render in suffixes.items():
        if path.endswith(suffix):
            return render
    raise UsageError(f"--save {path}: the suffix must be one of {', '.join(sorted(suffixes))}")


def _module(name: str) -> tuple[Renderer, str]:
    import importlib

    module = importlib.import_module(f"reports.to_{name}")
    return module.render, module.SUFFIX
