"""Find checks: the modules below checks/, then installed plugins. The folder is the list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from audit.model import Check


def builtin() -> dict[str, Check]:
    """Every check below checks/, by id."""
    import checks

    return collect(checks)


def collect(package: ModuleType) -> dict[str, Check]:
    """The checks in a package: every `@check` function and every member of a module's `CHECKS` table.

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
    yield package
    for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        module = importlib.import_module(info.name)
        if info.ispkg:
            yield from _modules(module)
        else:
            yield module
