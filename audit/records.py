"""`NamedTuple` as typing has it, and three times as fast to define.

typing's own turns every annotation into a ForwardRef, which compiles it: that was 13 of 95
milliseconds of an audit. Type checkers see typing's.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    _OURS = {"__annotations__", "__module__", "__qualname__", "__classcell__"}

    class _Definition(type):
        def __new__(mcs, name, bases, body):
            if not bases:
                return super().__new__(mcs, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            made.__qualname__ = body["__qualname__"]
            made.__annotations__ = dict(body.get("__annotations__", ()))
            for key, value in body.items():
                if key not in fields and key not in _OURS:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Definition):
        """Base of a record: `class Point(NamedTuple): x: int; y: int = 0`."""
