"""A checkpoint under the scoring rule: what is banned and forced, and in which batches."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby, islice

from bundle.spelling import Spelling
from model.decoding.decoding_options import GreedyOptions
from model.decoding.generate import Generation, greedy_batch
from model.evaluation.rule import TOKENS_3, Repetition
from model.network.transformer import Summarizer


def scoring_options(
    never_emitted_ids: Sequence[int],
    defaults: GreedyOptions,
    repetition: Repetition = TOKENS_3,
    spelling: Spelling | None = None,
) -> GreedyOptions:
    """The rule for one network, but for the limit; its bundle bans and forces the same.

    Of the checkpoint's own `defaults`, only what makes a token impossible or certain counts.
    """
    return GreedyOptions(
        **asdict(repetition),
        spelling=spelling,
        banned_ids=(*defaults.banned_ids, *never_emitted_ids),
        banned_runs=defaults.banned_runs,
        forced_first=defaults.forced_first,
        forced_last=defaults.forced_last,
    )


def decode_by_limit(
    model: Summarizer,
    sources: Sequence[Sequence[int]],
    limits: Sequence[int],
    options: GreedyOptions,
    batch_size: int,
) -> Iterator[tuple[int, Generation]]:
    """Each source's index and summary, in batches of the same limit and of similar length.

    A limit above the network's positions means as many as it has.
    """
    limits = [min(limit, model.config.max_target_positions) for limit in limits]
    order = sorted(range(len(sources)), key=lambda i: (limits[i], len(sources[i])))
    for limit, group in groupby(order, key=limits.__getitem__):
        while batch := list(islice(group, batch_size)):
            batch_sources = [sources[index] for index in batch]
            results = greedy_batch(model, batch_sources, replace(options, max_tokens=limit))
            yield from zip(batch, results, strict=True)
