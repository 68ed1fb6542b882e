"""The served strategy writes the oracle's tokens, under any rules, forced tokens included."""

from copy import copy
from dataclasses import replace

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bundle.manifest import SpecialTokens
from model.decoding_options import GreedyOptions
from model.generate import greedy
from model.transformer import Summarizer
from server.decoding.greedy import Greedy
from server.decoding.strategy import Candidates
from server.types import DecodingOptions, FinishReason
from tests.model.factories import make_ids, make_model

MODELS = [make_model(seed) for seed in range(3)]
ordinary = st.integers(8, 39)


def candidates(model: Summarizer, source: list[int], strategy: Greedy) -> Candidates:
    """What a runner would give: the two best of what the strategy does not exclude."""
    target = [model.config.start_id, *strategy.tokens]
    with torch.inference_mode():
        step = model(torch.tensor([source]), torch.tensor([len(source)]), torch.tensor([target]))
    scores = step[0, -1].log()
    scores[list(strategy.excluded_ids())] = -torch.inf
    best = scores.topk(2)
    return Candidates(best.indices.tolist(), best.values.tolist())


def ending_at(model: Summarizer, end_id: int) -> Summarizer:
    """The same network with an ordinary word as its end token, so that summaries do end."""
    other = copy(model)
    other.config = replace(model.config, end_id=end_id)
    return other


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    seed=st.integers(0, 100),
    max_tokens=st.integers(1, 8),
    min_tokens=st.integers(0, 8),
    no_repeat_ngram_size=st.integers(0, 3),
    never=st.lists(ordinary, max_size=5),
    forced_first=st.sampled_from([None, 2, 9]),
    forces_end=st.booleans(),
    end_id=st.none() | ordinary,
)
def test_the_served_tokens_and_reasons_are_the_oracles(
    model: Summarizer,
    seed: int,
    max_tokens: int,
    min_tokens: int,
    no_repeat_ngram_size: int,
    never: list[int],
    forced_first: int | None,
    forces_end: bool,
    end_id: int | None,
) -> None:
    source = make_ids(5 + seed % 7, seed=seed).tolist()
    end_id = model.config.end_id if end_id is None else end_id
    assume(end_id != forced_first and end_id not in never)
    forced_last = end_id if forces_end else None
    rules = {
        "max_tokens": max_tokens,
        "min_tokens": min(min_tokens, max_tokens),
        "no_repeat_ngram_size": no_repeat_ngram_size,
    }
    special = SpecialTokens(
        pad_id=0,
        end_id=end_id,
        decoder_start_id=model.config.start_id,
        never_emitted_ids=tuple(never),
        forced_first_id=forced_first,
        forced_last_id=forced_last,
    )
    served = Greedy(DecodingOptions(**rules), special)
    reason = None
    while reason is None:
        reason = served.advance(candidates(model, source, served))

    options = GreedyOptions(
        **rules, banned_ids=tuple(never), forced_first=forced_first, forced_last=forced_last
    )
    oracle = greedy(ending_at(model, end_id), source, options)
    assert list(served.tokens) == [token for token in oracle.tokens if token != end_id]
    assert reason is FinishReason(oracle.finish_reason)
