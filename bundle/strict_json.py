"""JSON to frozen dataclasses, refusing what the dataclass does not say.

A missing key, an unknown key or a value of another type is an error that names the path of the key,
so that a manifest written by a newer exporter, or edited by hand, never half works.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class StrictJsonError(ValueError):
    """A value does not have the shape that the dataclass declares."""


def parse(kind: type[T], value: object, at: str = "") -> T:
    """Builds a `kind` from parsed JSON."""
    parsed: T = _parse(kind, value, at or kind.__name__)
    return parsed


def _parse(kind: Any, value: object, at: str) -> Any:
    if is_dataclass(kind):
        return _parse_dataclass(kind, value, at)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = [a for a in arguments if a is not type(None)]
        return _parse(inner, value, at)
    if origin is tuple:
        items = _as_list(value, at)
        return tuple(_parse(arguments[0], item, f"{at}[{i}]") for i, item in enumerate(items))
    if origin in (dict, Mapping):
        members = _as_object(value, at)
        return {key: _parse(arguments[1], item, f"{at}.{key}") for key, item in members.items()}
    if origin is Literal:
        if value not in arguments:
            raise _mismatch(at, f"one of {', '.join(map(repr, arguments))}", value)
        return value
    # bool is a subclass of int: `true` must not pass for 1.
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _mismatch(at, "a number", value)
        return float(value)
    if type(value) is not kind:
        raise _mismatch(at, f"of type {kind.__name__}", value)
    return value


def _parse_dataclass(kind: Any, value: object, at: str) -> Any:
    members = _as_object(value, at)
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    unknown = sorted(members.keys() - known)
    if unknown:
        raise StrictJsonError(f"{at} has unknown keys {unknown}; known are {sorted(known)}")
    arguments = {}
    for field in fields(kind):
        if field.name in members:
            arguments[field.name] = _parse(
                hints[field.name], members[field.name], f"{at}.{field.name}"
            )
        elif field.default is MISSING and field.default_factory is MISSING:
            raise StrictJsonError(f"{at} lacks the key {field.name!r}")
    return kind(**arguments)


def _as_list(value: object, at: str) -> list[object]:
    if not isinstance(value, list):
        raise _mismatch(at, "a list", value)
    return value


def _as_object(value: object, at: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _mismatch(at, "an object", value)
    return value


def _mismatch(at: str, expected: str, found: object) -> StrictJsonError:
    return StrictJsonError(f"{at} must be {expected}, found {type(found).__name__} {found!r:.60}")
