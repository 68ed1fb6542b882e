"""A runner driven by hand, one step after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.load import Bundle
from server.decoding.strategy import Outcome, Proposal
from server.engine.runner import DecodeBatch, LaneKey
from server.runtime.ort_runner import OrtRunner

# Steps of other shapes add up in another order. In int8 this is enough only where the sums come out
# the same to the last bit or nearly so: docs/adr/0009-copy-speculation.md.
ROUNDING = 1e-4
NARROW = LaneKey(512, 1)


@dataclass(frozen=True)
class Model:
    """A runner over a bundle, and sources that suit it."""

    bundle: Bundle
    runner: OrtRunner
    sources: Sequence[Sequence[int]]

    @property
    def start_id(self) -> int:
        return self.bundle.manifest.special_tokens.decoder_start_id

    def admit(self, *sources: Sequence[int], lane: LaneKey = NARROW, first_row: int = 0) -> None:
        encoding = self.runner.begin_encoding(sources)
        while not encoding.advance():
            pass
        self.runner.admit(encoding, range(len(sources)), lane, first_row)

    def step(self, *proposals: Proposal, lane: LaneKey = NARROW) -> list[Outcome]:
        """Runs a step; what it says is kept beyond the next one."""
        return [kept(one) for one in self.runner.decode(DecodeBatch(lane, proposals))]

    def write(self, source: Sequence[int], count: int) -> tuple[list[int], list[Outcome]]:
        """The first greedy tokens, the start token before them, and what was said after each."""
        self.admit(source)
        tokens, said = [self.start_id], []
        while len(said) < count:
            said += self.step(feed(tokens[-1:], len(said)))
            tokens.append(said[-1].token_ids.item(0, 0))
        return tokens[:count], said

    def say_after(self, source: Sequence[int], tokens: Sequence[int]) -> Outcome:
        """What is said after the last of these tokens, fed one by one to a row of its own."""
        self.admit(source)
        for slot, token in enumerate(tokens):
            (said,) = self.step(feed([token], slot))
        return said


def feed(
    tokens: Sequence[int], slot: int, *, excluded: Sequence[int] = (), **more: Any
) -> Proposal:
    """Tokens of one summary, one after the other."""
    count = len(tokens)
    places = more.pop("places", range(slot, slot + count))
    return Proposal(tokens, slot, places, [excluded] * count, **more)


def kept(outcome: Outcome) -> Outcome:
    def copied(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else array.copy()

    return Outcome(
        outcome.token_ids.copy(),
        outcome.log_probs.copy(),
        copied(outcome.copy_indices),
        copied(outcome.copy_gates),
        copied(outcome.scores),
    )


def assert_alike(found: Outcome, query: int, expected: Outcome, expected_query: int = 0) -> None:
    """What is said of two tokens is the same but for rounding.

    The graphs give unlike numbers of candidates, of which the first two are in both.
    """
    assert found.token_ids[query, :2].tolist() == expected.token_ids[expected_query, :2].tolist()
    np.testing.assert_allclose(
        found.log_probs[query, :2], expected.log_probs[expected_query, :2], atol=ROUNDING
    )
    if found.copy_gates is None or expected.copy_gates is None:
        assert found.copy_gates is expected.copy_gates
        return
    assert found.copy_indices is not None
    assert expected.copy_indices is not None
    assert found.copy_indices[query] == expected.copy_indices[expected_query]
    np.testing.assert_allclose(
        found.copy_gates[query], expected.copy_gates[expected_query], atol=ROUNDING
    )
