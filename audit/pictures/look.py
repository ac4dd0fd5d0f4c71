"""Asking for facts of which a picture can do without."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from audit.host import Host
from audit.model import NotApplicable, Unknown

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Look:
    """A host that is asked politely: what cannot be seen is None, and `unknown` says why."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.unknown: dict[str, str] = {}

    def __call__(self, what: str, fact: Callable[[Host, *Ts], T], *args: *Ts) -> T | None:
        try:
            return self.host.get(fact, *args)
        except (Unknown, NotApplicable) as why:
            self.unknown.setdefault(what, str(why))
        except Exception as crash:  # it is the finding of the checks that use the fact
            self.unknown.setdefault(what, f"{type(crash).__name__} while looking")
        return None

    def sees(self, what: str) -> bool:
        return what not in self.unknown


def guarded(make: Callable[[], T]) -> T | None:
    """A picture, or None when making it crashed: a drawing must not lose the report."""
    try:
        return make()
    except Exception:
        return None
