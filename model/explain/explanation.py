"""A summary with what each of its words looked at, in words and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from model.decoding.decoding_options import GreedyOptions
from model.decoding.generate import greedy
from model.explain.looks import look
from model.explain.words import Word, by_word, mean_by_word, words
from model.text_summarizer import TextSummarizer

COPY = "copy attention"


class ExplanationError(ValueError):
    """What cannot be explained; the message tells why."""


@dataclass(frozen=True)
class Explanation:
    """S' source words, T' summary words; each row of a view sums to one."""

    source: tuple[Word, ...]
    summary: tuple[Word, ...]
    views: Mapping[str, Tensor]  # by name, `COPY` first where there is a copy head: [T',S']
    gate: Tensor | None  # how much of each summary word's probability was copied [T']

    @property
    def text(self) -> str:
        """The summary."""
        return joined(self.summary)


def layer_name(number: int) -> str:
    """What the view of a decoder layer's cross-attention is called; the first layer is 1."""
    return f"cross-attention, layer {number}"


def explain(
    summarizer: TextSummarizer, document: str, style: str | None, options: GreedyOptions
) -> Explanation:
    """Summarise a document greedily and read what each word looked at.

    Raises `ExplanationError` for a summary without any word.
    """
    config = summarizer.model.config
    source_ids = summarizer.source_ids(document, style)
    banned = (*options.banned_ids, *summarizer.never_emitted_ids)
    tokens = greedy(summarizer.model, source_ids, replace(options, banned_ids=banned)).tokens
    looks = look(summarizer.model, source_ids, tokens)

    special = dict.fromkeys(summarizer.never_emitted_ids, "special")
    special |= {config.end_id: "end"}
    special |= {token_id: name for name, token_id in config.style_token_ids.items()}
    source = words(summarizer.tokenizer, source_ids, special)
    summary = [
        word
        for word in words(summarizer.tokenizer, tokens, special)
        if not word.is_special and word.text
    ]
    if not summary:
        raise ExplanationError("the summary has no words, so there is nothing to explain")
    views = {COPY: looks.copy} if looks.copy is not None else {}
    views |= {layer_name(number): cross for number, cross in enumerate(looks.cross, 1)}
    return Explanation(
        tuple(source),
        tuple(summary),
        {name: by_word(weights, summary, source) for name, weights in views.items()},
        None if looks.gate is None else mean_by_word(looks.gate, summary),
    )


def joined(words: tuple[Word, ...]) -> str:
    """Words as running text."""
    return "".join(" " * word.follows_space + word.text for word in words).strip()
