"""The summaries that a verification compares."""

from collections.abc import Sequence
from dataclasses import dataclass

from bundle.manifest import Manifest, Style
from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.decoding.decoding_options import GreedyOptions

# Longest summary compared: long enough to drift, short enough for the oracle, which has no cache.
_MAX_TOKENS = 48


@dataclass(frozen=True)
class Case:
    """A document to summarise."""

    source_ids: list[int]
    options: GreedyOptions


def cases_of(
    manifest: Manifest, tokenizer: BundleTokenizer, documents: Sequence[str]
) -> list[Case]:
    """Every document in every style."""
    special, limits = manifest.special_tokens, manifest.limits
    longest = min(_MAX_TOKENS, limits.max_summary_tokens, manifest.geometry.max_positions)
    return [
        Case(
            _source_ids(tokenizer, style, manifest, document),
            GreedyOptions(
                max_tokens=longest,
                no_repeat_ngram_size=style.defaults.no_repeat_ngram_size,
                no_repeat_word_ngram_size=style.defaults.no_repeat_word_ngram_size or 0,
                spelling=tokenizer.spelling,
                banned_ids=special.never_emitted_ids,
                forced_first=special.forced_first_id,
            ),
        )
        for style in manifest.styles
        for document in documents
    ]


def _source_ids(
    tokenizer: BundleTokenizer, style: Style, manifest: Manifest, document: str
) -> list[int]:
    text = (style.prefix_text or "") + normalise(document)
    ids = tokenizer.encode(text)[: manifest.limits.max_source_tokens]
    return [*style.prefix_ids, *ids, *style.suffix_ids]
