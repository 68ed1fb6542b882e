"""Which way of decoding the options ask for, and why it may draft nothing."""

from dataclasses import replace

import pytest

from bundle.manifest import Geometry, SpecialTokens
from server.decoding.beams import BeamSearch
from server.decoding.choose import make_strategy, speculation_off
from server.decoding.greedy import Greedy
from server.decoding.sampling import Sampling
from server.decoding.strategy import Strategy
from server.types import DecodingOptions
from tests.fakes.spelling import SPELLING

SPECIAL = SpecialTokens(pad_id=0, end_id=1, decoder_start_id=0, never_emitted_ids=(0,))
WITHOUT_COPY_HEAD = Geometry(
    vocab_size=40,
    d_model=16,
    encoder_layers=1,
    decoder_layers=1,
    heads=4,
    head_dim=4,
    max_positions=32,
    copy_head=False,
)
WITH_COPY_HEAD = replace(WITHOUT_COPY_HEAD, copy_head=True)
# The prefix is a piece of the source, so that a look at the source would go on with 9.
SOURCE = [7, 8, 9, 1]
PREFIX = (7, 8)


def make(
    *, geometry: Geometry = WITHOUT_COPY_HEAD, server_drafts: bool = True, **options: object
) -> Strategy:
    chosen = DecodingOptions(**{"max_tokens": 8, "prefix_ids": PREFIX, **options})
    return make_strategy(
        chosen,
        SPECIAL,
        SOURCE,
        geometry=geometry,
        spelling=SPELLING,
        speculation=server_drafts,
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Greedy),
        ({"num_beams": 4}, BeamSearch),
        ({"temperature": 0.7}, Sampling),
        ({"num_beams": 4, "temperature": 0.7}, BeamSearch),
    ],
)
def test_the_options_name_the_way_of_decoding(
    options: dict[str, object], expected: type[Strategy]
) -> None:
    assert type(make(**options)) is expected


def test_without_a_copy_head_the_source_is_looked_up() -> None:
    assert list(make().propose(8).token_ids) == [0, 7, 8, 9]


def test_with_a_copy_head_guesses_wait_for_where_it_looks() -> None:
    assert list(make(geometry=WITH_COPY_HEAD).propose(8).token_ids) == [0, 7, 8]


@pytest.mark.parametrize("off", [{"server_drafts": False}, {"speculation": False}])
def test_where_drafting_is_switched_off_only_what_is_certain_is_fed_together(
    off: dict[str, bool],
) -> None:
    strategy = make(**off)
    assert strategy.outlook(8) == [1.0, 1.0]
    assert list(strategy.propose(8).token_ids) == [0, 7, 8]


@pytest.mark.parametrize(
    ("options", "server_drafts", "reason"),
    [
        ({}, True, ""),
        ({"repetition_penalty": 1.5}, True, ""),
        ({"speculation": False}, True, "switched off by the request"),
        ({}, False, "switched off by the server"),
        ({"num_beams": 2}, True, "beam search does not draft"),
        ({"temperature": 1.0}, False, "sampling does not draft"),
    ],
)
def test_the_reason_why_nothing_is_drafted_is_said(
    options: dict[str, object], server_drafts: bool, reason: str
) -> None:
    chosen = DecodingOptions(**{"max_tokens": 8, **options})
    assert speculation_off(chosen, speculation=server_drafts) == reason
