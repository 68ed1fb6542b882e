"""Documents as texts and as token ids: callers send the former, engines are given the latter."""

import json
import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path

from benchmarks.default_style import default_style
from benchmarks.gpu.case import Case
from benchmarks.peers.protocol import Tokens
from bundle.manifest import read_manifest
from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer

_ABSTRACTS = (Path("tests/data/arxiv_tldr_en.jsonl"), Path("tests/data/arxiv_tldr_zh.jsonl"))
_SEED = 2026


@dataclass(frozen=True)
class Documents:
    """The documents of a case, and the ids that are never written by this model."""

    texts: Sequence[str]
    ids: Tokens
    banned_ids: Sequence[int]

    @property
    def mean_length(self) -> float:
        """Source tokens of a document, those of its style counted."""
        return sum(map(len, self.ids)) / len(self.ids)


def make_documents(case: Case, bundle: Path) -> Documents:
    """Those of a case, in the default style of a bundle."""
    manifest = read_manifest(bundle)
    style = default_style(manifest)
    tokenizer = BundleTokenizer(bundle / manifest.tokenizer_file)
    if case.documents.isdigit():
        added = len(style.prefix_ids) + len(style.suffix_ids)
        # Random letters, each of them a token where the tokenizer knows bytes alone.
        texts = random_texts(case.num_documents, int(case.documents) - added)
    else:
        texts = _abstracts(case.num_documents)
    ids = [
        [*style.prefix_ids, *tokenizer.encode(normalise(text)), *style.suffix_ids] for text in texts
    ]
    return Documents(texts, ids, manifest.special_tokens.never_emitted_ids)


def random_texts(count: int, length: int) -> list[str]:
    """Texts of random letters, the same every time."""
    generator = random.Random(_SEED)  # noqa: S311 - no secret
    return ["".join(generator.choices(string.ascii_letters, k=length)) for _ in range(count)]


def _abstracts(count: int) -> list[str]:
    """Real ones, English and Chinese in turn, from the start again if there are too few."""
    files = [path.read_text("utf-8").splitlines() for path in _ABSTRACTS]
    lines = chain.from_iterable(zip(*files, strict=False))
    return [json.loads(line)["document"] for line in islice(cycle(lines), count)]
