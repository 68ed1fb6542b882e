"""The served samples are the oracle's: one alone, several side by side, forced tokens and all."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.manifest import SpecialTokens
from model.decoding.decoding_options import SamplingOptions
from model.decoding.generate import Generation
from model.decoding.sampling import sample
from model.network.transformer import Summarizer
from server.decoding.sampling import Sampling
from server.decoding.strategy import Hypothesis, Outcome
from server.errors import InvalidRequest
from server.types import DecodingOptions, FinishReason
from tests.fakes.ending_model import (
    END,
    SPECIAL,
    drawn_options,
    make_ending_model,
    oracle_rules,
    words,
)
from tests.fakes.spelling import TINY_SPELLING
from tests.fakes.torch_decoder import Run, run
from tests.model.factories import TINY, make_ids

SOURCE = make_ids(9).tolist()


MODELS = [
    make_ending_model(seed, copy_head=copy_head, eagerness=2.0)
    for seed in (0, 1)
    for copy_head in (True, False)
]


def draw(
    source: list[int],
    options: DecodingOptions,
    special: SpecialTokens = SPECIAL,
    model: Summarizer = MODELS[0],
    draft_width: int | Sequence[int] = 0,
) -> Run:
    strategy = Sampling(
        options, special, TINY.vocabulary_size, spelling=TINY_SPELLING, source_ids=source
    )
    return run(model, source, strategy, draft_width=draft_width)


def draw_by_oracle(
    source: list[int], options: DecodingOptions, special: SpecialTokens, model: Summarizer
) -> list[Hypothesis]:
    same = SamplingOptions(
        **oracle_rules(options, special),
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        min_p=options.min_p,
        seed=options.seed,
    )
    samples = [sample(model, source, same, index) for index in range(options.num_summaries)]
    found = [as_hypothesis(one, same, options.length_penalty) for one in samples]
    return sorted(found, key=lambda one: -one.score)


def as_hypothesis(one: Generation, options: SamplingOptions, length_penalty: float) -> Hypothesis:
    """What the oracle drew; its forced tokens are those of an infinite margin that were forced."""
    num_forced = len(options.beginning)
    summed = one.log_probabilities[num_forced:]
    if options.forced_last is not None and len(one.tokens) == options.max_tokens:
        summed = summed[:-1]
    tokens = [token for token in one.tokens if token != END]
    score = sum(summed) / len(one.tokens) ** length_penalty
    return Hypothesis(tokens, FinishReason(one.finish_reason), score)


any_options = drawn_options(
    {
        "min_tokens": st.integers(0, 3),
        "length_penalty": st.sampled_from([1.0, 0.0, 2.0]),
        "num_summaries": st.sampled_from([1, 1, 2, 4]),
        "repetition_penalty": st.sampled_from([1.0, 1.3, 0.8]),
        "temperature": st.sampled_from([0.3, 1.0, 1.7]),
        "top_k": st.sampled_from([0, 5, 100]),
        "top_p": st.sampled_from([1.0, 0.9, 0.4]),
        "min_p": st.sampled_from([0.0, 0.1]),
        "seed": st.integers(0, 2**64 - 1),
    }
)


# The same examples each time: among ever new ones, rounding would now and then decide a draw.
@settings(max_examples=100, derandomize=True)
@given(
    model=st.sampled_from(MODELS),
    source_seed=st.integers(0, 100),
    options=any_options,
    never=st.lists(st.just(0) | words, max_size=5).map(tuple),
    forced_first=st.sampled_from([None, 2, 12]),
    forces_end=st.booleans(),
    draft_widths=st.lists(st.integers(0, 3), min_size=1, max_size=3),
)
def test_summaries_scores_and_reasons_are_the_oracles(
    model: Summarizer,
    source_seed: int,
    options: DecodingOptions,
    never: tuple[int, ...],
    forced_first: int | None,
    forces_end: bool,
    draft_widths: list[int],
) -> None:
    source = make_ids(5 + source_seed % 7, seed=source_seed).tolist()
    special = replace(
        SPECIAL,
        never_emitted_ids=never,
        forced_first_id=forced_first,
        forced_last_id=END if forces_end else None,
    )
    drawn = draw(source, options, special, model, draft_widths).hypotheses
    oracle = draw_by_oracle(source, options, special, model)
    assert [list(one.tokens) for one in drawn] == [one.tokens for one in oracle]
    assert [one.reason for one in drawn] == [one.reason for one in oracle]
    assert [one.score for one in drawn] == pytest.approx([one.score for one in oracle], abs=1e-4)


def test_of_several_summaries_each_is_the_one_that_is_drawn_alone() -> None:
    options = DecodingOptions(max_tokens=8, temperature=1.0, seed=5, num_summaries=3)
    together = draw(SOURCE, options).hypotheses
    alone = draw(SOURCE, replace(options, num_summaries=1)).hypotheses
    assert alone[0].tokens in [one.tokens for one in together]
    more = draw(SOURCE, replace(options, num_summaries=4)).hypotheses
    assert all(one.tokens in [other.tokens for other in more] for one in together)


def test_one_summary_is_streamed_as_it_is_drawn() -> None:
    options = DecodingOptions(max_tokens=6, min_tokens=6, temperature=1.0)
    assert [len(written) for written in draw(SOURCE, options).streamed] == [1, 2, 3, 4, 5, 6]


def test_of_several_summaries_nothing_is_streamed_before_the_best_is_known() -> None:
    options = DecodingOptions(max_tokens=6, min_tokens=6, temperature=1.0, num_summaries=2)
    drawn = draw(SOURCE, options)
    assert drawn.streamed == [[]] * 5 + [list(drawn.hypotheses[0].tokens)]


def test_a_forced_beginning_is_fed_at_one_go() -> None:
    special = replace(SPECIAL, forced_first_id=12)
    options = DecodingOptions(max_tokens=8, min_tokens=8, temperature=1.0, prefix_ids=(20, 21))
    strategy = Sampling(options, special, TINY.vocabulary_size)
    assert strategy.outlook(2) == [1.0, 1.0]
    assert strategy.outlook(9) == [1.0, 1.0, 1.0]
    assert strategy.propose(9).token_ids == [0, 12, 20, 21]
    slow, quick = draw(SOURCE, options, special), draw(SOURCE, options, special, draft_width=9)
    assert (slow.steps, quick.steps) == (8, 5)
    assert quick.hypotheses[0].tokens == slow.hypotheses[0].tokens


def test_each_branch_sees_its_own_path_and_a_complete_one_feeds_what_another_feeds() -> None:
    options = DecodingOptions(max_tokens=5, temperature=1.0, num_summaries=2)
    sampling = Sampling(options, SPECIAL, 40)
    assert sampling.propose(0).ancestors == [range(0), range(0)]
    sampling.advance(certain(20, 21))
    second = sampling.propose(0)
    assert (second.token_ids, second.first_slot, second.places) == ([20, 21], 2, [1, 1])
    assert [list(slots) for slots in second.ancestors] == [[0], [1]]
    assert not sampling.advance(certain(END, 22))
    third = sampling.propose(0)
    assert (third.token_ids, third.first_slot, third.places) == ([22, 22], 4, [2, 2])
    assert [list(slots) for slots in third.ancestors] == [[1, 3], [1, 3]]
    assert sampling.advance(certain(23, END))
    assert {tuple(one.tokens) for one in sampling.hypotheses} == {(20,), (21, 22)}


def certain(*token_ids: int) -> Outcome:
    """What is told of each branch where the network has no doubt."""
    scores = np.full((len(token_ids), 40), -100.0, np.float32)
    scores[range(len(token_ids)), token_ids] = 0.0
    return Outcome(np.array(token_ids)[:, None], np.zeros((len(token_ids), 1)), scores=scores)


def test_forbidding_every_token_is_an_error_that_names_the_options() -> None:
    options = DecodingOptions(max_tokens=3, temperature=1.0)
    special = replace(SPECIAL, never_emitted_ids=tuple(range(40)))
    with pytest.raises(InvalidRequest, match="options: forbid every token"):
        draw([9, 1], options, special)
