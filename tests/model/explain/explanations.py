"""Explanations for the tests, of words and random weights."""

import torch

from model.explain.explanation import COPY, Explanation, layer_name
from model.explain.words import Word


def make_words(texts: list[str]) -> tuple[Word, ...]:
    return tuple(Word(text, (place,), place > 0) for place, text in enumerate(texts))


def make_explanation(
    source: list[str], summary: list[str], layers: int = 2, copies: bool = True
) -> Explanation:
    torch.manual_seed(0)
    names = [COPY] * copies + [layer_name(number) for number in range(1, layers + 1)]
    shape = (len(summary), len(source))
    return Explanation(
        make_words(source),
        make_words(summary),
        {name: torch.softmax(3 * torch.randn(shape), -1) for name in names},
        torch.rand(len(summary)) if copies else None,
    )
