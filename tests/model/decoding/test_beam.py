"""Beam search: what transformers cannot show, such as copy heads, and its refusals."""

import itertools
import math
from typing import Any

import pytest
import torch

from model.decoding.beam import beam_search
from model.decoding.decoding_options import BeamOptions
from model.decoding.generate import greedy
from tests.model.factories import TINY, make_ids, make_model, make_zero_model


@pytest.mark.parametrize("copy_head", [True, False])
def test_as_many_beams_as_words_find_the_best_summary_of_all(copy_head: bool) -> None:
    model = make_model(3, copy_head=copy_head)
    source = make_ids(7).tolist()
    options = BeamOptions(max_tokens=2, num_beams=TINY.vocabulary_size)
    best = beam_search(model, source, options)[0]

    words = range(TINY.vocabulary_size)
    starts = torch.tensor([[model.config.start_id, word] for word in words])
    with torch.inference_mode():
        rows = len(starts)
        steps = model(
            torch.tensor([source]).expand(rows, -1), torch.full((rows,), len(source)), starts
        ).log()  # [V,2,V]
    end = model.config.end_id
    scores = {(end,): steps[0, 0, end].item()}
    for first, second in itertools.product(set(words) - {end}, words):
        scores[first, second] = (steps[0, 0, first] + steps[first, 1, second]).item() / 2
    assert tuple(best.tokens) == max(scores, key=scores.__getitem__)
    assert best.score == pytest.approx(max(scores.values()), abs=1e-4)


def test_more_beams_never_find_less_where_length_does_not_count() -> None:
    model, source = make_model(1), make_ids(9).tolist()
    options = {"max_tokens": 6, "min_tokens": 6, "length_penalty": 0.0}
    one = sum(greedy(model, source, BeamOptions(**options)).log_probabilities)
    many = beam_search(model, source, BeamOptions(**options, num_beams=8))[0].score
    assert many >= one - 1e-4


def test_summaries_come_best_first_and_say_how_they_ended() -> None:
    found = beam_search(make_model(), make_ids(9).tolist(), BeamOptions(max_tokens=5))
    assert len(found) == 4
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert one.finish_reason == ("stop" if one.tokens[-1] == 1 else "length")


def test_a_forced_token_adds_nothing_to_a_score() -> None:
    options = BeamOptions(
        max_tokens=2, num_beams=2, forced_first=7, forced_last=1, length_penalty=1.0
    )
    (only,) = beam_search(make_zero_model(), [9, 1], options)
    assert (only.tokens, only.score, only.finish_reason) == ([7, 1], 0.0, "length")


def test_a_forced_end_that_is_the_best_anyway_ends_a_summary_for_good() -> None:
    options = BeamOptions(
        max_tokens=2, num_beams=2, forced_first=7, forced_last=1, banned_ids=(0, *range(2, 40))
    )
    (only,) = beam_search(make_zero_model(), [9, 1], options)
    assert (only.tokens, only.finish_reason) == ([7, 1], "stop")


def test_one_word_allowed_leaves_one_summary() -> None:
    options = BeamOptions(max_tokens=3, min_tokens=3, banned_ids=tuple(range(2, 40)))
    (only,) = beam_search(make_zero_model(), [9, 1], options)
    assert only.tokens == [0, 0, 0]
    assert only.score == pytest.approx(-math.log(40))


def test_renormalized_scores_share_all_probability_among_what_is_allowed() -> None:
    options = BeamOptions(
        max_tokens=3, min_tokens=3, banned_ids=tuple(range(4, 40)), renormalize=True
    )
    found = beam_search(make_zero_model(), [9, 1], options)
    assert [one.score for one in found] == pytest.approx([-math.log(3)] * 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_beams": 0}, "num_beams must be at least 1, not 0"),
        ({"early_stopping": "soon"}, "early_stopping must be True, False or 'never'"),
        ({"repetition_penalty": 0.0, "num_beams": 0}, "repetition_penalty is 0.0.*num_beams"),
        ({"encoder_no_repeat_ngram_size": -1}, "encoder_no_repeat_ngram_size is -1, below 0"),
    ],
)
def test_impossible_options_are_refused_all_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BeamOptions(**options)


@pytest.mark.parametrize("renormalize", [False, True])
def test_forbidding_every_token_is_an_error(renormalize: bool) -> None:
    banned = tuple(range(40))
    options = BeamOptions(max_tokens=3, banned_ids=banned, renormalize=renormalize)
    with pytest.raises(ValueError, match="forbid every token"):
        beam_search(make_zero_model(), [9, 1], options)


def test_more_tokens_than_positions_are_refused() -> None:
    with pytest.raises(ValueError, match="max_tokens=33 is over the limit 32"):
        beam_search(make_zero_model(), [9, 1], BeamOptions(max_tokens=33))
