"""The cases, one file per area; the folder is the list."""

from __future__ import annotations

import importlib
import pkgutil

from tests.truth.case import Case


def every() -> list[Case]:
    """All cases, in the order of files and then of lines; raises ValueError on two of one name."""
    found: dict[str, Case] = {}
    for info in pkgutil.iter_modules(__path__):
        for case in importlib.import_module(f"{__name__}.{info.name}").CASES:
            if case.name in found:
                raise ValueError(f"two cases are called {case.name}")
            found[case.name] = case
    return list(found.values())
