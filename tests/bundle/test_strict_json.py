"""JSON to dataclasses, refusing what the dataclass does not say."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bundle.strict_json import StrictJsonError, parse


@dataclass(frozen=True)
class Inner:
    count: int
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    many: tuple[Inner, ...] = ()
    named: Mapping[str, int] | None = None


def test_nested_values_become_nested_dataclasses() -> None:
    value = {
        "name": "a",
        "inner": {"count": 1, "share": 2},
        "many": [{"count": 3}],
        "named": {"x": 4},
    }
    assert parse(Outer, value) == Outer("a", Inner(1, 2.0), (Inner(3),), {"x": 4})


def test_what_may_be_null_or_left_out_may_be() -> None:
    assert parse(Outer, {"name": "a", "inner": {"count": 1}, "named": None}) == Outer("a", Inner(1))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], r"Outer must be an object, found list"),
        ({"name": "a"}, r"Outer lacks the key 'inner'"),
        ({"name": "a", "inner": {"count": True}}, r"Outer\.inner\.count must be of type int"),
        ({"name": "a", "inner": {"count": 1.0}}, r"Outer\.inner\.count must be of type int"),
        ({"name": 1, "inner": {"count": 1}}, r"Outer\.name must be of type str"),
        ({"name": "a", "inner": {"count": 1, "share": True}}, r"share must be a number"),
        ({"name": "a", "inner": {"count": 1}, "many": {}}, r"Outer\.many must be a list"),
        ({"name": "a", "inner": {"count": 1}, "many": [7]}, r"Outer\.many\[0\] must be an object"),
        ({"name": "a", "inner": {"count": 1}, "named": {"x": "1"}}, r"Outer\.named\.x must be"),
        ({"name": "a", "inner": {"count": 1}, "extra": 0}, r"unknown keys \['extra'\]"),
    ],
)
def test_a_value_of_another_shape_is_refused_with_the_path_to_it(
    value: object, problem: str
) -> None:
    with pytest.raises(StrictJsonError, match=problem):
        parse(Outer, value)
