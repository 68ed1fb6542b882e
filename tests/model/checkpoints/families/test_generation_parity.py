"""Greedy decoding and beam search write what transformers writes, for every family and rule."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel
from transformers.utils import logging

from model.checkpoints.checkpoint import load_checkpoint
from model.decoding.beam import beam_search
from model.decoding.decoding_options import BeamOptions
from model.decoding.generate import greedy
from model.network.transformer import Summarizer
from tests.model.checkpoints.families.builders import FAMILIES, FIRST_ORDINARY_ID, VOCABULARY, build

# The fixture is the same two networks for every example.
PARITY = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LANGUAGE = 6  # a token that nothing else in the examples names, to be forced

ordinary = st.integers(FIRST_ORDINARY_ID, VOCABULARY - 2)
seeds = st.integers(0, 1_000)


@dataclass(frozen=True)
class Pair:
    """One checkpoint, in both."""

    ours: Summarizer
    theirs: PreTrainedModel


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    logging.set_verbosity_error()
    directory = tmp_path_factory.mktemp(request.param)
    theirs = build(request.param, directory)
    return Pair(load_checkpoint(directory), theirs)


@st.composite
def beam_options(draw: st.DrawFn) -> BeamOptions:
    """Any rules together. The end token is chosen later, see `ending_at`."""
    max_tokens = draw(st.integers(1, 12))
    return BeamOptions(
        max_tokens=max_tokens,
        min_tokens=draw(st.integers(0, max_tokens)),
        repetition_penalty=draw(st.sampled_from([1.0, 1.3, 0.8])),
        no_repeat_ngram_size=draw(st.integers(0, 3)),
        encoder_no_repeat_ngram_size=draw(st.integers(0, 3)),
        banned_ids=tuple(draw(st.lists(ordinary, max_size=3))),
        banned_runs=tuple(draw(st.lists(st.lists(ordinary, min_size=1, max_size=3).map(tuple)))),
        not_first_ids=tuple(draw(st.lists(ordinary, max_size=3))),
        forced_first=draw(st.sampled_from([None, LANGUAGE])),
        num_beams=draw(st.integers(2, 5)),
        length_penalty=draw(st.sampled_from([1.0, 2.0, 0.6, 0.0, -1.0])),
        early_stopping=draw(st.sampled_from([True, False, "never"])),
        renormalize=draw(st.booleans()),
    )


def random_source(model: Summarizer, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    length = 3 + seed % 12
    ids = torch.randint(FIRST_ORDINARY_ID, VOCABULARY - 1, (length,), generator=generator)
    return [*ids.tolist(), model.config.end_id]


def ending_at(model: Summarizer, source: list[int], options: BeamOptions, place: int) -> int:
    """A token that greedy decoding writes of itself: as end token, it makes summaries end."""
    free = replace(options, min_tokens=0, max_tokens=8, forced_first=None)
    written = greedy(model, source, free).tokens
    return written[place % len(written)]


def is_contradictory(options: BeamOptions, end_id: int, forces_end: bool) -> bool:
    """Where transformers suppresses the token that it forces, all scores are minus infinity."""
    suppressed = {*options.banned_ids, *(options.not_first_ids if forces_end else ())}
    return end_id in suppressed


@contextmanager
def end_token(model: Summarizer, end_id: int) -> Iterator[None]:
    config = model.config
    model.config = replace(config, end_id=end_id)
    try:
        yield
    finally:
        model.config = config


def generate(model: PreTrainedModel, source: list[int], options: BeamOptions, end_id: int) -> Any:
    source_ids = torch.tensor([source])
    inputs = {"input_ids": source_ids, "attention_mask": torch.ones_like(source_ids)}
    if model.config.model_type == "led":
        inputs["global_attention_mask"] = torch.zeros_like(source_ids)
        inputs["global_attention_mask"][:, 0] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own defaults
        return model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=options.max_tokens,
            min_new_tokens=options.min_tokens,
            repetition_penalty=options.repetition_penalty,
            no_repeat_ngram_size=options.no_repeat_ngram_size,
            encoder_no_repeat_ngram_size=options.encoder_no_repeat_ngram_size,
            suppress_tokens=list(options.banned_ids),
            bad_words_ids=[list(run) for run in options.banned_runs] or None,
            begin_suppress_tokens=list(options.not_first_ids),
            forced_bos_token_id=options.forced_first,
            forced_eos_token_id=options.forced_last,
            num_beams=options.num_beams,
            num_return_sequences=options.num_beams,
            length_penalty=options.length_penalty,
            early_stopping=options.early_stopping,
            renormalize_logits=options.renormalize,
            eos_token_id=end_id,
            output_scores=True,
            return_dict_in_generate=True,
        )


def new_tokens(sequence: torch.Tensor, end_id: int) -> list[int]:
    """Without the start token, and without what pads a batch after the end token."""
    tokens = sequence[1:].tolist()
    return tokens[: tokens.index(end_id) + 1] if end_id in tokens else tokens


@PARITY
@given(options=beam_options(), seed=seeds, place=st.integers(0, 7), forces_end=st.booleans())
def test_greedy_decoding_under_any_rules_gives_the_tokens_of_transformers(
    pair: Pair, options: BeamOptions, seed: int, place: int, forces_end: bool
) -> None:
    source = random_source(pair.ours, seed)
    end_id = ending_at(pair.ours, source, options, place)
    assume(not is_contradictory(options, end_id, forces_end))
    options = replace(options, num_beams=1, forced_last=end_id if forces_end else None)
    runs = tuple(run for run in options.banned_runs if run != (end_id,))
    with end_token(pair.ours, end_id):
        got = greedy(pair.ours, source, replace(options, banned_runs=runs))
    expected = generate(pair.theirs, source, options, end_id).sequences[0]
    assert got.tokens == new_tokens(expected, end_id)


@PARITY
@given(options=beam_options(), seed=seeds, place=st.integers(0, 7), forces_end=st.booleans())
def test_beam_search_under_any_rules_gives_the_summaries_and_scores_of_transformers(
    pair: Pair, options: BeamOptions, seed: int, place: int, forces_end: bool
) -> None:
    source = random_source(pair.ours, seed)
    end_id = ending_at(pair.ours, source, options, place)
    assume(not is_contradictory(options, end_id, forces_end))
    options = replace(options, forced_last=end_id if forces_end else None)
    runs = tuple(run for run in options.banned_runs if run != (end_id,))
    with end_token(pair.ours, end_id):
        got = beam_search(pair.ours, source, replace(options, banned_runs=runs))
    expected = generate(pair.theirs, source, options, end_id)
    # Where fewer than num_beams summaries exist, transformers fills up with sums of about -1e9,
    # over as much as the square of twelve tokens.
    real = [score for score in expected.sequences_scores.tolist() if score > -1e6]
    assert [one.score for one in got] == pytest.approx(real, rel=1e-4, abs=1e-4)
    assert [one.tokens for one in got] == [
        new_tokens(sequence, end_id) for sequence in expected.sequences[: len(real)]
    ]
