"""Renderers of a report. They see a report and never the host.

One file per format, to_FORMAT.py, with `render(report, out, verbose=...)` and `SUFFIX`, the end of
the names of files in that format ("" when it is for streams only). The folder is the list, and
installed plugins add to it by entry points of the group `lxc_preflight.renderers`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from audit.errors import UsageError
from audit.registry import names_in

if TYPE_CHECKING:
    import argparse
    from importlib.metadata import EntryPoint

    from audit.report import Report


class Renderer(Protocol):
    """Write a report to `out`; `verbose` shows every check where the format leaves some out."""

    __module__: str

    def __call__(self, report: Report, out: TextIO, *, verbose: bool = False) -> None: ...


def shows_script(render: Renderer) -> bool:
    """Whether a format shows what `fix` would print, which takes the audit a moment."""
    return bool(getattr(sys.modules.get(render.__module__), "SHOWS_SCRIPT", False))


def formats() -> tuple[str, ...]:
    """The names of our own formats, text first because it is the default."""
    files = (name for name in names_in(sys.modules[__name__]) if name.startswith("to_"))
    names = (name.removeprefix("to_") for name in files)
    return tuple(sorted(names, key=lambda name: (name != "text", name)))


def add_format(parser: argparse._ActionsContainer) -> None:
    """--format, by name: which names plugins add is looked up only when it is used."""
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        default="text",
        help=f"on standard output: {', '.join(formats())}, or a plugin's (default: text)",
    )


def renderer(name: str, *, plugins: bool = True) -> Renderer:
    """The renderer of a format; raises UsageError when there is no such format."""
    if name in formats():
        return _own(name)[0]
    others = _plugins() if plugins else {}
    if name in others:
        return _loaded(others[name])[0]
    known = ", ".join((*formats(), *sorted(others)))
    raise UsageError(f"there is no format {name}: known are {known}")


def renderer_by_suffix(path: str, *, plugins: bool = True) -> Renderer:
    """The renderer for a file, by its suffix; raises UsageError for one that no format has."""
    suffixes: dict[str, Renderer] = {}
    for name in formats():
        render, suffix = _own(name)
        if suffix:
            suffixes[suffix] = render
    if plugins and not path.endswith(tuple(suffixes)):
        for entry in _plugins().values():
            render, suffix = _loaded(entry)
            if suffix:
                suffixes.setdefault(suffix, render)
    for suffix, render in suffixes.items():
        if path.endswith(suffix):
            return render
    raise UsageError(f"--save {path}: the suffix must be one of {', '.join(sorted(suffixes))}")


def _own(name: str) -> tuple[Renderer, str]:
    import importlib

    module = importlib.import_module(f"reports.to_{name}")
    return module.render, module.SUFFIX


def _plugins() -> dict[str, EntryPoint]:
    """Plugins' renderers; a name that is taken stays ours."""
    from audit.plugins import renderers

    own = formats()
    return {name: entry for name, entry in sorted(renderers().items()) if name not in own}


def _loaded(entry: EntryPoint) -> tuple[Renderer, str]:
    from reports.plugin import load

    return load(entry)
