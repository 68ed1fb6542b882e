"""Tokens to the words that a reader sees.

A word is what white space and punctuation divide; of Han characters, which nothing divides, each
token is one. Whatever the tokenizer, tokens are turned to text in the order in which they stand,
so its own marks for a space (byte-level or "▁") need no rule here.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from bundle.tokenizer import BundleTokenizer

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
# A Han character; a run of letters and digits with single marks inside it; or one mark alone.
_WORD = re.compile(f"[{_HAN}]|[^\\W{_HAN}]+(?:[^\\w\\s][^\\W{_HAN}]+)*|[^\\w\\s]")


@dataclass(frozen=True)
class Word:
    """Neighbouring tokens that a reader takes as one."""

    text: str
    tokens: tuple[int, ...]  # their places
    follows_space: bool
    is_special: bool = False  # a token that stands for no text, such as the end


def words(tokenizer: BundleTokenizer, ids: Sequence[int], special: Mapping[int, str]) -> list[Word]:
    """The words of a sequence; `special` names the ids that are no text."""
    pieces = _pieces(tokenizer, ids, special.keys())
    text = "".join(pieces)
    beginnings = {match.start() for match in _WORD.finditer(text)}
    found: list[Word] = []
    start, open_place = 0, -1
    for index, (token, piece) in enumerate(zip(ids, pieces, strict=True)):
        place = start + len(piece) - len(piece.lstrip())
        if token in special:
            found.append(Word(special[token], (index,), True, is_special=True))
            open_place = -1
        elif open_place < 0 or (place in beginnings and place != open_place):
            space = place == 0 or text[place - 1 : place].isspace()
            found.append(Word(piece.strip(), (index,), space))
            open_place = place
        else:
            last = found[-1]
            found[-1] = Word(last.text + piece.rstrip(), (*last.tokens, index), last.follows_space)
        start += len(piece)
    return found


def by_word(weights: Tensor, rows: Sequence[Word], columns: Sequence[Word]) -> Tensor:
    """Weights between tokens [T,S] to weights between words: [len(rows), len(columns)].

    A word looks as its tokens do on average, and is looked at as much as all its tokens together:
    rows go on summing to one.
    """
    per_row = mean_by_word(weights, rows)  # [rows,S]
    gathered = per_row.new_zeros(len(rows), len(columns))
    for number, word in enumerate(columns):
        gathered[:, number] = per_row[:, list(word.tokens)].sum(-1)
    return gathered


def mean_by_word(values: Tensor, rows: Sequence[Word]) -> Tensor:
    """[T,...] to [len(rows),...]."""
    means = values.new_zeros(len(rows), *values.shape[1:])
    for number, word in enumerate(rows):
        means[number] = values[list(word.tokens)].mean(0)
    return means


def _pieces(tokenizer: BundleTokenizer, ids: Sequence[int], special: Collection[int]) -> list[str]:
    """What text each id adds; the last token of an unfinished character adds the character."""
    stream = tokenizer.stream()
    return ["" if token in special else stream.push(token) for token in ids]
