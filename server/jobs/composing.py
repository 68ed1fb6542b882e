"""Summaries put together from sentences: of the document, word for word, or of its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.types import SummarySentence, TextSpan

_BULLET = "- "
# After these, Chinese has no space.
_FULL_WIDTH_ENDS = "。！？；…」』”）》"


class Written(NamedTuple):
    """Where a sentence stands in what the model wrote of a window."""

    window: int
    span: TextSpan


@dataclass(frozen=True, slots=True)
class Chosen:
    """A sentence that was chosen."""

    text: str
    # Where it comes in the document.
    place: int
    # Where it stands in the document word for word; None if the model wrote it.
    source: TextSpan | None
    # Among all that could have been chosen: 1 is the best, 0 the last.
    score: float
    # Set if the model wrote it.
    written: Written | None = None


@dataclass(frozen=True, slots=True)
class Composition:
    """A summary of whole sentences."""

    text: str
    sentences: tuple[SummarySentence, ...]
    # For each sentence, where the model wrote it; None if it is quoted.
    written: tuple[Written | None, ...]


def put_together(chosen: Sequence[Chosen], *, by_rank: bool, bullets: bool) -> Composition:
    """Joins sentences in the order of the document, or the best first."""
    order = sorted(chosen, key=lambda each: (-each.score if by_rank else 0, each.place))
    text, sentences = "", []
    for each in order:
        if bullets:
            text += f"\n{_BULLET}" if text else _BULLET
        elif text and text[-1] not in _FULL_WIDTH_ENDS:
            text += " "
        span = TextSpan(len(text), len(text) + len(each.text))
        text += each.text
        sentences.append(SummarySentence(span, each.source, each.score))
    return Composition(text, tuple(sentences), tuple(each.written for each in order))
