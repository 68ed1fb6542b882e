"""From a request's options to the way of decoding that they ask for."""

from collections.abc import Sequence
from typing import Any

from bundle.manifest import Geometry, SpecialTokens
from bundle.spelling import Spelling
from server.decoding.beams import BeamSearch
from server.decoding.drafting import CopyDrafts, Drafter, LookupDrafts
from server.decoding.greedy import Greedy
from server.decoding.sampling import Sampling
from server.decoding.strategy import Strategy
from server.types import DecodingOptions, Method


def make_strategy(
    options: DecodingOptions,
    special: SpecialTokens,
    source_ids: Sequence[int],
    *,
    geometry: Geometry,
    spelling: Spelling,
    speculation: bool,
    keeps_looks: bool = False,
) -> Strategy:
    """What decides the tokens of one summary; speculation is whether the server drafts at all.

    With `keeps_looks` the summaries say where the copy head looked for each of their tokens.
    """
    settings: dict[str, Any] = {
        "spelling": spelling,
        "source_ids": source_ids,
        "keeps_looks": keeps_looks,
    }
    match options.method:
        case Method.BEAM_SEARCH:
            return BeamSearch(options, special, geometry.vocab_size, **settings)
        case Method.SAMPLING:
            return Sampling(options, special, geometry.vocab_size, **settings)
        case Method.GREEDY:
            drafter: Drafter | None = None
            if not speculation_off(options, speculation=speculation):
                drafter = CopyDrafts(source_ids) if geometry.copy_head else LookupDrafts(source_ids)
            return Greedy(options, special, drafter, **settings)


def speculation_off(options: DecodingOptions, *, speculation: bool) -> str:
    """Why nothing is drafted, for a caller or an operator to read; "" where drafting is on."""
    match options.method:
        case Method.BEAM_SEARCH | Method.SAMPLING as method:
            return f"{method.value} does not draft"
        case Method.GREEDY:
            if not speculation:
                return "switched off by the server"
            return "" if options.speculation else "switched off by the request"
