"""Which steps are captured at start: what the operator asked for, as shapes in an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

AUTO, OFF = "auto", "off"
_NAMES = ("rows", "source", "slots", "tokens")
_MOST_SIZE = 1 << 20
# More than these would keep a server from its readiness for long; others are captured once in use.
_MOST_AT_START = 64


class CaptureListError(ValueError):
    """The list of sizes to capture cannot be read; names the part at fault."""


@dataclass(frozen=True, slots=True)
class CaptureList:
    """Sizes to capture at start, of each kind; of a kind that is not named, the usual ones."""

    enabled: bool = True
    sizes: Mapping[str, Sequence[int]] = field(default_factory=dict)


def parse_capture_list(text: str) -> CaptureList:
    """Reads "auto", "off" or a list such as "rows=1,8,64;tokens=1,6". Raises CaptureListError."""
    text = text.strip()
    if text in (AUTO, ""):
        return CaptureList()
    if text == OFF:
        return CaptureList(enabled=False)
    sizes: dict[str, Sequence[int]] = {}
    for part in text.split(";"):
        name, equals, values = (each.strip() for each in part.partition("="))
        if name not in _NAMES or not equals:
            raise CaptureListError(
                f"capture: {part.strip()!r} is no NAME=SIZES; names are {', '.join(_NAMES)}, and "
                f"instead of a list there may be {AUTO} or {OFF}"
            )
        if name in sizes:
            raise CaptureListError(f"capture: {name} is given twice")
        sizes[name] = [_size(name, value) for value in values.split(",")]
    return CaptureList(sizes=sizes)


def _size(name: str, value: str) -> int:
    try:
        size = int(value)
    except ValueError:
        size = 0
    if not 1 <= size <= _MOST_SIZE:
        raise CaptureListError(
            f"capture: {name}={value.strip()!r} is no number from 1 to {_MOST_SIZE}"
        )
    return size


@dataclass(frozen=True, slots=True)
class Sizes:
    """One combination."""

    rows: int
    source: int
    slots: int
    tokens: int


def planned(
    wanted: CaptureList,
    *,
    rows: Sequence[int],
    source: Sequence[int],
    slots: Sequence[int],
    tokens: Sequence[int],
) -> list[Sizes]:
    """The combinations to capture, those that are used most first; of each kind, sizes that occur.

    The most rows come first, since a step over them is worth most, and full caches last. What the
    operator did not name is bounded: the rest is captured once it is in use.
    """
    if not wanted.enabled:
        return []

    def chosen(name: str, usual: Sequence[int]) -> Sequence[int]:
        return (
            [size for size in wanted.sizes[name] if size in usual]
            if name in wanted.sizes
            else usual
        )

    combinations = product(
        chosen("slots", slots), chosen("source", source), chosen("tokens", tokens),
        sorted(chosen("rows", rows), reverse=True),
    )  # fmt: skip
    found = [Sizes(n, s, slot, q) for slot, s, q, n in combinations]
    return found if wanted.sizes else found[:_MOST_AT_START]
