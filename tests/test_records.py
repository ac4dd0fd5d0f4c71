"""Our NamedTuple is collections' own, but for how it is defined."""

from __future__ import annotations

import collections
import copy
import json
import pickle
from typing import Any

import pytest

from audit.records import NamedTuple


class Point(NamedTuple):
    """Where."""

    x: int
    y: int = 2

    @property
    def sum(self) -> int:
        return self.x + self.y


Twin: Any = vars(collections)["namedtuple"]("Point", "x y", defaults=[2])


def test_it_is_a_tuple_with_names() -> None:
    one = Point(1)
    assert one == (1, 2) == Point(x=1, y=2) == Point(1, y=2) and hash(one) == hash((1, 2))
    assert (one.x, one.y, one.sum, len(one)) == (1, 2, 3, 2)
    assert repr(one) == repr(Twin(1)) == "Point(x=1, y=2)"
    assert one._asdict() == {"x": 1, "y": 2} and Point._fields == ("x", "y")
    assert one._replace(x=5) == (5, 2) and Point._make([7, 8]) == (7, 8)
    assert json.dumps(one) == "[1, 2]" and Point.__doc__ == "Where."
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert isinstance(pickle.loads(pickle.dumps(one)), Point)


def test_its_fields_are_found_where_python_3_14_has_them() -> None:
    """Simulated: the body that 3.14 makes of a class in a module without annotations as text."""
    kind: Any = type(NamedTuple)
    body = {"__annotate_func__": lambda form: {"x": int, "y": int} if form == 1 else {}, "y": 2}
    late = kind("Late", (NamedTuple,), body)
    assert late._fields == ("x", "y") and repr(late(1)) == "Late(x=1, y=2)"


def test_it_matches_by_place_and_by_name() -> None:
    match Point(1, 5):
        case Point(1, y=y):
            assert y == 5
        case _:
            pytest.fail("no match")


def test_it_cannot_be_changed() -> None:
    for name in ("x", "z"):
        with pytest.raises(AttributeError):
            setattr(Point(1), name, 2)


@pytest.mark.parametrize("kind", [Point, Twin])
@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})]
)
def test_wrong_values_are_a_type_error(
    kind: Any, values: tuple[int, ...], named: dict[str, int]
) -> None:
    with pytest.raises(TypeError):
        kind(*values, **named)


def test_a_replacement_for_no_field_is_an_error() -> None:
    unknown: Any = {"z": 1}
    for kind in (Point, Twin):
        with pytest.raises((TypeError, ValueError)):
            kind(1)._replace(**unknown)
