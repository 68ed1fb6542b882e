"""Documents as token ids: random ones for random weights, real ones for a network that can read."""

import json
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.default_style import default_style
from benchmarks.peers.protocol import Tokens
from bundle.load import load_bundle
from bundle.normalise import normalise

_ENGLISH = Path("tests/data/arxiv_tldr_en.jsonl")
_CHINESE = Path("tests/data/arxiv_tldr_zh.jsonl")
SEED = 2026
_FIRST_ORDINARY_ID = 8
_SHORTEST, _LONGEST = 64, 1000


@dataclass(frozen=True)
class Reader:
    """What a model reads: its vocabulary, and what stands around each document."""

    vocabulary: int
    prefix_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]
    # None where the weights are random: text would mean nothing to them.
    tokenizer: Any = None


def read_reader(directory: Path, *, reads_text: bool = True) -> Reader:
    """That of a bundle, in its default style."""
    bundle = load_bundle(directory)
    manifest = bundle.manifest
    style = default_style(manifest)
    return Reader(
        vocabulary=manifest.geometry.vocab_size,
        prefix_ids=style.prefix_ids,
        suffix_ids=style.suffix_ids,
        tokenizer=bundle.tokenizer if reads_text else None,
    )


def make_documents(kind: str, count: int, reader: Reader) -> Tokens:
    """So many documents: `abstracts`, `mixed` lengths, or all of a length such as `400`."""
    if kind == "abstracts":
        documents = _texts(_ENGLISH, reader)[:count]
        if len(documents) < count:
            raise ValueError(f"{count} abstracts were asked for, {_ENGLISH} has {len(documents)}")
    else:
        added = len(reader.prefix_ids) + len(reader.suffix_ids)
        lengths = _mixed_lengths(count) if kind == "mixed" else [int(kind)] * count
        bodies = [length - added for length in lengths]
        documents = _random(bodies, reader) if reader.tokenizer is None else _real(bodies, reader)
    return [[*reader.prefix_ids, *document, *reader.suffix_ids] for document in documents]


def _mixed_lengths(count: int) -> list[int]:
    """Short ones as often as long ones, by their logarithms."""
    generator = np.random.default_rng(SEED)
    logarithms = generator.uniform(np.log(_SHORTEST), np.log(_LONGEST), count)
    return [int(length) for length in np.exp(logarithms)]


def _random(lengths: list[int], reader: Reader) -> Tokens:
    generator = np.random.default_rng(SEED)
    # Marian's last id is its padding.
    limits = _FIRST_ORDINARY_ID, reader.vocabulary - 1
    return [generator.integers(*limits, length).tolist() for length in lengths]


def _real(lengths: list[int], reader: Reader) -> Tokens:
    """Abstracts of both languages in turn, one after the other until a document is long enough."""
    pairs = zip(_texts(_ENGLISH, reader), _texts(_CHINESE, reader), strict=False)
    abstracts = list(chain.from_iterable(pairs))
    documents, next_one = [], 0
    for length in lengths:
        document: list[int] = []
        while len(document) < length:
            document += abstracts[next_one % len(abstracts)]
            next_one += 1
        documents.append(document[:length])
    return documents


def _texts(file: Path, reader: Reader) -> Tokens:
    lines = file.read_text("utf-8").splitlines()
    texts = [normalise(json.loads(line)["document"]) for line in lines]
    return [list(reader.tokenizer.encode(text)) for text in texts]
