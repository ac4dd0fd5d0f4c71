"""A renderer out of a plugin: loaded when it is asked for, and its crashes are its own."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, TextIO

from audit.errors import PluginCrashed, UsageError
from audit.options import warn
from audit.plugins import described

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from audit.report import Report
    from reports import Renderer


def load(entry: EntryPoint) -> tuple[Renderer, str]:
    """The renderer and the suffix of a plugin; raises UsageError when it cannot be loaded."""
    name = described(entry)
    if os.geteuid() == 0:
        warn(f"plugins run as root: {name} (--no-plugins leaves them out)")
    try:
        with redirect_stdout(sys.stderr):
            module = entry.load()
        render, suffix = module.render, module.SUFFIX
    except KeyboardInterrupt:
        raise
    except BaseException as crash:  # a stranger's module may raise anything at import
        why = f"{type(crash).__name__}: {crash}"
        raise UsageError(f"the renderer {name} cannot be loaded: {why}") from None
    if not callable(render) or not isinstance(suffix, str):
        raise UsageError(f"the renderer {name} has no render() or its SUFFIX is no text")
    return _Guarded(name, render), suffix


class _Guarded:
    """A plugin's renderer that writes everything or, when it crashes, nothing."""

    def __init__(self, name: str, render: Renderer) -> None:
        self.name, self.render = name, render

    def __call__(self, report: Report, out: TextIO, *, verbose: bool = False) -> None:
        text = io.StringIO()
        try:
            with redirect_stdout(sys.stderr):
                self.render(report, text, verbose=verbose)
        except KeyboardInterrupt:
            raise
        except BaseException as crash:
            why = f"{type(crash).__name__}: {crash}"
            raise PluginCrashed(f"the renderer {self.name} crashed: {why}") from None
        out.write(text.getvalue())
