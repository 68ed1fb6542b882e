"""What callers give as text to begin with or to ban, as the token ids that decoding knows."""

from collections.abc import Sequence
from dataclasses import replace

from bundle.manifest import SpecialTokens
from bundle.tokenizer import BundleTokenizer
from server.errors import InvalidRequest, Violation
from server.types import DecodingOptions


def with_phrases(
    options: DecodingOptions,
    *,
    prefix: str,
    banned_phrases: Sequence[str],
    tokenizer: BundleTokenizer,
    special: SpecialTokens,
) -> DecodingOptions:
    """Adds the ids of the prefix and the banned runs; raises InvalidRequest if they cannot be."""
    violations: list[Violation] = []
    prefix_ids = tuple(tokenizer.encode(prefix))
    num_forced = len(prefix_ids) + (special.forced_first_id is not None)
    if prefix_ids and num_forced >= options.max_tokens:
        problem = f"has {num_forced} tokens, must have fewer than options.max_tokens"
        violations.append(Violation("options.prefix", f"{problem} = {options.max_tokens}"))
    if not set(prefix_ids).isdisjoint(special.never_emitted_ids):
        # Such as the unknown token, which would come out as no text at all.
        problem = f"has text that this model cannot write: {prefix!r}"
        violations.append(Violation("options.prefix", problem))
    runs: set[tuple[int, ...]] = set()
    for index, phrase in enumerate(banned_phrases):
        spelled = _spellings(phrase, tokenizer)
        field = f"options.banned_phrases[{index}]"
        if not spelled:
            problem = f"is {phrase!r}, which has no token in this model's vocabulary to ban"
            violations.append(Violation(field, problem))
        if any(_holds(prefix_ids, run) for run in spelled):
            violations.append(Violation(field, f"is {phrase!r}, but options.prefix has it in it"))
        runs |= spelled
    if violations:
        raise InvalidRequest(*violations)
    return replace(options, prefix_ids=prefix_ids, banned_runs=tuple(sorted(runs)))


def _spellings(phrase: str, tokenizer: BundleTokenizer) -> set[tuple[int, ...]]:
    """The runs of tokens that a phrase may come as: at the beginning of a text, and after a space.

    Most vocabularies have tokens that hold the space before a word.
    """
    return {run for text in (phrase, f" {phrase}") if (run := tuple(tokenizer.encode(text)))}


def _holds(ids: Sequence[int], run: Sequence[int]) -> bool:
    size = len(run)
    return any(tuple(ids[i : i + size]) == run for i in range(len(ids) - size + 1))
