"""The served beam search finds what the oracle finds, and says early what is certain."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.manifest import SpecialTokens
from model.decoding.beam import Hypothesis as OracleHypothesis
from model.decoding.beam import beam_search
from model.decoding.decoding_options import BeamOptions
from model.network.transformer import Summarizer
from server.decoding.beams import BeamSearch
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

MODELS = [
    make_ending_model(seed, copy_head=copy_head, eagerness=eagerness)
    for seed in range(3)
    for copy_head in (True, False)
    for eagerness in (0.0, 2.5)
]


def search_for(
    source: list[int],
    options: DecodingOptions,
    special: SpecialTokens = SPECIAL,
    model: Summarizer = MODELS[0],
) -> Run:
    search = BeamSearch(
        options, special, TINY.vocabulary_size, spelling=TINY_SPELLING, source_ids=source
    )
    return run(model, source, search)


def outcome(*candidates: list[tuple[int, float]]) -> Outcome:
    """What is told of each beam: the ids given, and then as many unlikely ones as must be."""
    rows = [[*row, *[(id_, -50.0 - id_) for id_ in range(2, 8)]] for row in candidates]
    ids, log_probs = np.array(rows).transpose(2, 0, 1)
    return Outcome(ids.astype(int), log_probs)


def search_by_oracle(
    source: list[int], options: DecodingOptions, special: SpecialTokens, model: Summarizer
) -> list[OracleHypothesis]:
    same = BeamOptions(
        **oracle_rules(options, special),
        num_beams=options.num_beams,
        length_penalty=options.length_penalty,
        early_stopping=options.early_stopping,
    )
    return beam_search(model, source, same)


def assert_same_summaries(got: Sequence[Hypothesis], oracle: list[OracleHypothesis]) -> None:
    """Equal scores; and equal tokens, but where two summaries are level."""
    assert [one.score for one in got] == pytest.approx([one.score for one in oracle], abs=1e-4)
    for index, (one, other) in enumerate(zip(got, oracle, strict=True)):
        levels = [each.score for place, each in enumerate(oracle) if place != index]
        if all(abs(other.score - level) > 1e-5 for level in levels):
            assert list(one.tokens) == [token for token in other.tokens if token != END]
            assert one.reason is FinishReason(other.finish_reason)


rules = drawn_options(
    {
        "min_tokens": st.integers(0, 9),
        "num_beams": st.sampled_from([2, 3, 4, 16]),
        "length_penalty": st.sampled_from([1.0, 0.0, 0.6, 2.0, -1.0]),
        "early_stopping": st.booleans(),
        "num_summaries": st.integers(1, 16),
        "repetition_penalty": st.sampled_from([1.0, 1.0, 1.3, 0.8]),
    }
)


# The same examples each time: among ever new ones, two beams would now and then be level.
@settings(max_examples=100, derandomize=True)
@given(
    model=st.sampled_from(MODELS),
    seed=st.integers(0, 100),
    options=rules,
    never=st.lists(st.just(0) | words, max_size=5).map(tuple),
    forced_first=st.sampled_from([None, 2, 12]),
    forces_end=st.booleans(),
)
def test_summaries_scores_and_reasons_are_the_oracles(
    model: Summarizer,
    seed: int,
    options: DecodingOptions,
    never: tuple[int, ...],
    forced_first: int | None,
    forces_end: bool,
) -> None:
    source = make_ids(5 + seed % 7, seed=seed).tolist()
    special = replace(
        SPECIAL,
        never_emitted_ids=never,
        forced_first_id=forced_first,
        forced_last_id=END if forces_end else None,
    )
    found = search_for(source, options, special, model)
    oracle = search_by_oracle(source, options, special, model)
    assert_same_summaries(found.hypotheses, oracle[: options.num_summaries])


def test_each_beam_keeps_a_slot_of_every_step_and_sees_its_own_path() -> None:
    search = BeamSearch(DecodingOptions(max_tokens=5, num_beams=2), SPECIAL, 40)
    first = search.propose(0)
    assert (first.token_ids, first.first_slot, first.places) == ([0, 0], 0, [0, 0])
    assert first.ancestors == [[], []]
    search.advance(outcome([(20, -0.1), (21, -0.2)], [(30, 0.0), (31, 0.0)]))

    second = search.propose(0)
    assert (second.token_ids, second.first_slot, second.places) == ([20, 21], 2, [1, 1])
    assert second.ancestors == [[0], [0]], "the second beam of the first step counts for nothing"
    search.advance(outcome([(22, -5.0), (23, -6.0)], [(24, -1.0), (25, -2.0)]))

    third = search.propose(0)
    assert (third.token_ids, third.first_slot, third.places) == ([24, 25], 4, [2, 2])
    assert third.ancestors == [[0, 3], [0, 3]]


def test_beams_that_nothing_is_left_for_repeat_the_best_one() -> None:
    search = BeamSearch(DecodingOptions(max_tokens=5, num_beams=3, prefix_ids=(20,)), SPECIAL, 40)
    search.propose(0)
    search.advance(outcome([(30, -0.1)], [(30, -0.1)], [(30, -0.1)]))
    proposal = search.propose(0)
    assert proposal.token_ids == [20, 20, 20]
    assert proposal.ancestors == [[0], [0], [0]]


def test_a_token_is_streamed_once_no_other_summary_can_win() -> None:
    options = DecodingOptions(max_tokens=5, num_beams=2, length_penalty=0.0)
    search = BeamSearch(options, SPECIAL, 40)
    steps = [
        ([[(20, -0.1), (21, -0.3)]] * 2, []),
        # Both beginnings now descend from the same one.
        ([[(22, -0.1), (23, -0.2)], [(24, -3.0), (25, -3.0)]], [20]),
        # 20 22 is complete and has -0.3. 20 23 has -0.8, and can only lose more.
        ([[(END, -0.1), (26, -9.0)], [(27, -0.5), (28, -9.0)]], [20, 22]),
    ]
    for candidates, written in steps:
        search.propose(0)
        assert not search.advance(outcome(*candidates))
        assert search.written == written


def test_what_is_complete_is_streamed_only_when_longer_summaries_cannot_overtake_it() -> None:
    options = DecodingOptions(max_tokens=10, num_beams=2, length_penalty=1.0)
    search = BeamSearch(options, SPECIAL, 40)
    search.propose(0)
    search.advance(outcome(*[[(20, -0.1), (21, -0.3)]] * 2))
    search.propose(0)
    search.advance(outcome([(END, -0.9), (22, -3.0)], [(23, -2.5), (24, -9.0)]))
    # 20 is complete and averages -0.5; 21 23 would average -0.28 if eight more lost nothing.
    assert search.written == []


@pytest.mark.parametrize("early_stopping", [True, False])
def test_early_stopping_ends_it_with_as_many_summaries_as_beams_though_a_better_one_is_near(
    early_stopping: bool,
) -> None:
    options = DecodingOptions(max_tokens=9, num_beams=2, early_stopping=early_stopping)
    search = BeamSearch(options, SPECIAL, 40)
    search.propose(0)
    assert not search.advance(outcome(*[[(END, -1.0), (20, -1.1), (21, -1.2)]] * 2))
    search.propose(0)
    is_over = search.advance(outcome([(22, -0.1), (END, -1.2)], [(23, -9.0), (24, -9.0)]))
    assert is_over == early_stopping


def test_no_more_summaries_are_given_than_asked_for() -> None:
    options = DecodingOptions(max_tokens=4, num_beams=4, num_summaries=3)
    assert len(search_for(make_ids(7).tolist(), options).hypotheses) == 3


def test_a_repetition_penalty_alone_asks_for_the_scores_of_all_tokens() -> None:
    options = DecodingOptions(max_tokens=4, num_beams=2)
    assert not BeamSearch(options, SPECIAL, 40).propose(0).wants_scores
    options = replace(options, repetition_penalty=1.2)
    assert BeamSearch(options, SPECIAL, 40).propose(0).wants_scores


def test_a_penalty_finds_the_normaliser_even_where_all_but_penalised_tokens_are_impossible() -> (
    None
):
    options = DecodingOptions(max_tokens=2, num_beams=2, repetition_penalty=1.5)
    search = BeamSearch(options, replace(SPECIAL, decoder_start_id=30), 40)
    search.propose(0)
    scores = np.full((2, 40), -200.0, np.float32)
    scores[:, 30] = 7.0
    search.advance(replace(outcome(*[[(20, math.log(1e-30)), (21, -70.0)]] * 2), scores=scores))
    assert search.propose(0).token_ids[0] == 30, "it is certain, penalty or not"


def test_forbidding_every_token_is_an_error_that_names_the_options() -> None:
    options = DecodingOptions(max_tokens=3, num_beams=2)
    special = replace(SPECIAL, never_emitted_ids=tuple(range(40)))
    with pytest.raises(InvalidRequest, match="options: forbid every token"):
        search_for([9, 1], options, special)


@pytest.mark.parametrize(("best", "reason"), [(END, FinishReason.STOP), (30, FinishReason.LENGTH)])
@pytest.mark.parametrize("max_tokens", [1, 2])
def test_a_forced_end_is_put_down_to_the_limit_unless_the_model_would_end_there(
    best: int, reason: FinishReason, max_tokens: int
) -> None:
    options = DecodingOptions(max_tokens=max_tokens, num_beams=2)
    search = BeamSearch(options, replace(SPECIAL, forced_last_id=END), 40)
    if max_tokens == 2:
        search.propose(0)
        search.advance(outcome([(20, -0.1), (21, -0.2)], [(20, -0.1), (21, -0.2)]))
    search.propose(0)
    assert search.advance(outcome([(best, -0.1), (31, -2.0)], [(31, -0.1), (END, -2.0)]))
    assert search.hypotheses[0].reason is reason
    assert len(search.hypotheses[0].tokens) == max_tokens - 1


def test_an_end_that_is_not_allowed_yet_is_not_what_the_model_would_have_written() -> None:
    options = DecodingOptions(max_tokens=2, min_tokens=2, num_beams=2, prefix_ids=(20,))
    search = BeamSearch(options, replace(SPECIAL, forced_last_id=END), 40)
    search.propose(0)
    search.advance(outcome([(20, -0.1)], [(20, -0.1)]))
    search.propose(0)
    assert search.advance(outcome([(END, -0.1), (31, -2.0)], [(END, -0.1), (31, -2.0)]))
    assert search.hypotheses[0].reason is FinishReason.LENGTH
