"""Find checks: the modules below checks/, then installed plugins. The folder is the list."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from types import ModuleType

from audit.model import Check


def builtin() -> dict[str, Check]:
    """Every check below checks/, by id."""
    import checks

    return collect(checks)


def collect(package: ModuleType) -> dict[str, Check]:
    """The checks in a package: every `@check` function and every member of a `CHECKS` table.

    Raises ValueError when two checks have one id.
    """
    found: dict[str, Check] = {}
    for module in _modules(package):
        names = vars(module)
        mine = [
            v
            for v in names.values()
            if isinstance(v, Check) and v.judge.__module__ == module.__name__
        ]
        table: tuple[Check, ...] = names.get("CHECKS", ())
        for one in dict.fromkeys((*mine, *table)):
            if one.id in found:
                raise ValueError(f"two checks are called {one.id}")
            found[one.id] = one
    return dict(sorted(found.items()))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    """A module and, when it is a package, everything below it."""
    yield package
    for name in _names(getattr(package, "__path__", ())):
        yield from _modules(importlib.import_module(f"{package.__name__}.{name}"))


def _names(path: Iterable[str]) -> list[str]:
    """The names of the modules and packages in a package's directories."""
    names: set[str] = set()
    for directory in path:
        try:
            files = os.listdir(directory)
        except NotADirectoryError:  # inside the single-file build
            import pkgutil  # not at the top: it costs 9 ms, because it imports inspect

            names.update(info.name for info in pkgutil.iter_modules([directory]))
            continue
        for file in files:
            name, _, suffix = file.partition(".")
            if name.isidentifier() and suffix in ("", "py") and name != "__init__":
                names.add(name)
    return sorted(names - {"__pycache__"})
