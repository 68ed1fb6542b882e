"""Greedy decoding writes the oracle's tokens, under any rules and whatever was guessed ahead."""

import math
from copy import copy
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bundle.manifest import SpecialTokens
from model.decoding.decoding_options import GreedyOptions
from model.decoding.generate import greedy
from model.network.transformer import Summarizer
from server.decoding.drafting import CopyDrafts, Drafter, LookupDrafts
from server.decoding.greedy import Greedy
from server.types import DecodingOptions, FinishReason
from tests.fakes.greedy_oracle import Prophet, model_score
from tests.fakes.spelling import TINY_SPELLING
from tests.fakes.torch_decoder import run
from tests.model.factories import make_ids, make_model

MODELS = [make_model(seed, copy_head=copy_head) for seed in range(3) for copy_head in (True, False)]
ordinary = st.integers(8, 39)
runs = st.lists(st.lists(ordinary, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple)


def ending_at(model: Summarizer, end_id: int) -> Summarizer:
    """The same network with an ordinary word as its end token, so that summaries do end."""
    other = copy(model)
    other.config = replace(model.config, end_id=end_id)
    return other


# The same examples each time: among ever new ones, two tokens would now and then be level.
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    model=st.sampled_from(MODELS),
    seed=st.integers(0, 100),
    max_tokens=st.integers(1, 9),
    min_tokens=st.integers(0, 9),
    no_repeat_ngram_size=st.integers(0, 3),
    no_repeat_word_ngram_size=st.integers(0, 3),
    only_source_facts=st.booleans(),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.3, 0.8]),
    length_penalty=st.sampled_from([1.0, 0.0, 2.0]),
    banned_runs=runs,
    prefix_ids=st.lists(ordinary, max_size=4).map(tuple),
    never=st.lists(ordinary, max_size=5).map(tuple),
    forced_first=st.sampled_from([None, 2, 9]),
    forces_end=st.booleans(),
    end_id=st.none() | ordinary,
    draft_widths=st.lists(st.integers(0, 5), min_size=1, max_size=3),
    drafts=st.sampled_from(["none", "copied", "looked up"]) | st.sets(st.integers(0, 8)),
)
def test_the_tokens_reasons_and_scores_are_the_oracles(
    model: Summarizer,
    seed: int,
    max_tokens: int,
    min_tokens: int,
    no_repeat_ngram_size: int,
    no_repeat_word_ngram_size: int,
    only_source_facts: bool,
    repetition_penalty: float,
    length_penalty: float,
    banned_runs: tuple[tuple[int, ...], ...],
    prefix_ids: tuple[int, ...],
    never: tuple[int, ...],
    forced_first: int | None,
    forces_end: bool,
    end_id: int | None,
    draft_widths: list[int],
    drafts: str | set[int],
) -> None:
    source = make_ids(5 + seed % 7, seed=seed).tolist()
    end_id = model.config.end_id if end_id is None else end_id
    assume(end_id not in (forced_first, *prefix_ids, *never))
    rules = {
        "max_tokens": max_tokens,
        "min_tokens": min(min_tokens, max_tokens),
        "no_repeat_ngram_size": no_repeat_ngram_size,
        "no_repeat_word_ngram_size": no_repeat_word_ngram_size,
        "only_source_facts": only_source_facts,
        "repetition_penalty": repetition_penalty,
        "banned_runs": banned_runs,
        "prefix_ids": prefix_ids,
    }
    special = SpecialTokens(
        pad_id=0,
        end_id=end_id,
        decoder_start_id=model.config.start_id,
        never_emitted_ids=never,
        forced_first_id=forced_first,
        forced_last_id=end_id if forces_end else None,
    )
    same = GreedyOptions(
        **rules,
        spelling=TINY_SPELLING,
        banned_ids=never,
        forced_first=forced_first,
        forced_last=special.forced_last_id,
    )
    oracle = greedy(ending_at(model, end_id), source, same)

    drafter: Drafter | None = None
    if drafts == "copied":
        drafter = CopyDrafts(source)
    elif drafts == "looked up":
        drafter = LookupDrafts(source)
    elif isinstance(drafts, set):
        drafter = Prophet(oracle.tokens, drafts)
    options = DecodingOptions(**rules, length_penalty=length_penalty)
    strategy = Greedy(options, special, drafter, spelling=TINY_SPELLING, source_ids=source)
    served = run(model, source, strategy, draft_width=draft_widths)

    (hypothesis,) = served.hypotheses
    assert list(hypothesis.tokens) == [token for token in oracle.tokens if token != end_id]
    assert hypothesis.reason is FinishReason(oracle.finish_reason)
    expected = model_score(oracle, special, options)
    assert math.isclose(hypothesis.score, expected, abs_tol=1e-4)


@pytest.mark.parametrize("width", [1, 3, 8])
def test_guesses_that_are_all_right_save_every_step_that_they_can(width: int) -> None:
    source = make_ids(9).tolist()
    oracle = greedy(MODELS[0], source, GreedyOptions(max_tokens=12))
    special = SpecialTokens(
        pad_id=0, end_id=1, decoder_start_id=MODELS[0].config.start_id, never_emitted_ids=()
    )
    strategy = Greedy(DecodingOptions(max_tokens=12), special, Prophet(oracle.tokens))
    served = run(MODELS[0], source, strategy, draft_width=width)
    assert served.steps == math.ceil(len(oracle.tokens) / (1 + width))
    assert strategy.drafting.accepted == strategy.drafting.drafted
