"""Find checks: the modules below checks/, then installed plugins. The folder is the list."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
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
    for name in names_in(package):
        yield from _modules(importlib.import_module(f"{package.__name__}.{name}"))


def names_in(package: ModuleType) -> list[str]:
    """The names of the modules and packages right below a package; none below a plain module."""
    names: set[str] = set()
    for directory in getattr(package, "__path__", ()):
        try:
            with os.scandir(directory) as entries:
                files = [e.name + "/" * e.is_dir() for e in entries]
        except NotADirectoryError:  # inside the single-file build
            import pkgutil  # not at the top: it costs 9 ms, because it imports inspect

            names.update(info.name for info in pkgutil.iter_modules([directory]))
            continue
        names.update(file[:-1] for file in files if file[-1] == "/")
        names.update(file[:-3] for file in files if file.endswith(".py"))
    return sorted(name for name in names if name.isidentifier() and not name.startswith("__"))
