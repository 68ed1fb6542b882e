"""What the engine's own Python allows: documents a second over a runner that computes nothing.

Left are the scheduler, the strategies with their rules and drafts, the events, and cutting out each
row's part of what a step gave. A server adds its own share. What is counted is processor time, so
that whatever else runs on the machine matters little.
"""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import islice, product
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from benchmarks.recipe import recipe
from bundle.manifest import SpecialTokens
from server.decoding.drafting import CopyDrafts
from server.decoding.greedy import Greedy
from server.decoding.strategy import Array, Outcome, Proposal, StepAhead
from server.engine.engine import Engine
from server.engine.request import EngineRequest
from server.engine.runner import DecodeBatch, Encoding, LaneKey, Move
from server.engine.scheduler import EngineConfig
from server.types import DecodingOptions

TOKENS = 35
"""Tokens of each summary, the end counted: about what the default model writes."""

_SPECIAL = SpecialTokens(pad_id=0, end_id=1, decoder_start_id=0, never_emitted_ids=(0, 2, 3))
_OPTIONS = DecodingOptions(max_tokens=64, min_tokens=4, no_repeat_ngram_size=3)
_SOURCE = list(range(100, 400))
# Where the summary is copied from: two tokens here and two there, so that a draft after the first
# of them is right once, and one after the second is wrong.
_COPIED = [8 * (place // 2) + place % 2 for place in range(TOKENS)]
_DRAFTED = 5
_ENCODE_TOKENS = 1024
# Steps ahead go on after the end of a summary, up to here.
_SLOTS_PAST_THE_END = 300


class _Way(NamedTuple):
    name: str
    # Whether several steps are taken at a look.
    is_ahead: bool
    most_drafted: int


_WAYS = (
    _Way("step by step", is_ahead=False, most_drafted=0),
    _Way("steps ahead", is_ahead=True, most_drafted=0),
    _Way("step by step, drafts", is_ahead=False, most_drafted=_DRAFTED),
    _Way("steps ahead, drafts", is_ahead=True, most_drafted=_DRAFTED),
)


class _NoEncoding:
    """Documents that need no encoding."""

    is_under_way = False

    def advance(self, *, wait: bool = True) -> bool:
        """It is done already."""
        return True


class InstantRunner:
    """Writes the same summary of every document, from arrays that were made beforehand.

    As any runner must, it cuts out each row's part for each step. Its clock goes as if steps took a
    device's time, which is what the engine plans by.
    """

    encodes_by_itself = True

    def __init__(self, most_steps_ahead: int, drafted_ahead: int) -> None:
        self.most_steps_ahead = most_steps_ahead
        self._width_ahead = 1 + drafted_ahead
        self.steps = 0
        self.now_s = 0.0

    def clock(self) -> float:
        """Its own time."""
        return self.now_s

    def begin_encoding(self, sources: Sequence[Sequence[int]]) -> _NoEncoding:
        """There is nothing to do."""
        return _NoEncoding()

    def admit(
        self, encoding: Encoding, documents: Sequence[int], lane: LaneKey, first_row: int
    ) -> None:
        """There is nothing to do."""

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        """Cuts out the answers, and those to the steps ahead."""
        width = self._width_ahead
        if not batch.steps_ahead:
            width = max(len(proposal.token_ids) for proposal in batch.proposals)
        self.steps += 1 + batch.steps_ahead
        self.now_s += (1 + batch.steps_ahead) * (1 + 0.03 * (width - 1)) * 1e-3
        return [self._answer(proposal, width, batch.steps_ahead) for proposal in batch.proposals]

    def move(self, move: Move) -> None:
        """There is nothing to do."""

    def vacate(self, lane: LaneKey) -> None:
        """There is nothing to do."""

    def _answer(self, proposal: Proposal, width: int, ahead: int) -> Outcome:
        slot, fed = proposal.first_slot, len(proposal.token_ids)
        outcome = _cut(_answers(fed), slot)
        if ahead:
            tokens, answers = _tokens(width), _answers(width)
            following = []
            slot = _next_slot(slot, fed)
            for _ in range(ahead):
                following.append(StepAhead(tokens[slot], slot, _cut(answers, slot)))
                slot = _next_slot(slot, width)
            outcome.following = following
        return outcome


def measure_ceiling(
    *, rows: Sequence[int], steps_ahead: int, documents: int, rounds: int
) -> dict[str, Any]:
    """Serves so many documents in every way, in turns."""
    seconds: defaultdict[tuple[int, _Way], list[float]] = defaultdict(list)
    steps: dict[tuple[int, _Way], int] = {}
    for _ in range(rounds):
        for case in product(rows, _WAYS):
            count, way = case
            runner = InstantRunner(steps_ahead if way.is_ahead else 0, way.most_drafted)
            seconds[case].append(
                _timed(partial(_serve, runner, count, way.most_drafted, documents))
            )
            steps[case] = runner.steps
    settings = {"tokens_a_document": TOKENS, "documents": documents, "rounds": rounds}
    return {
        "recipe": recipe(**settings, most_steps_ahead=steps_ahead, drafted=_DRAFTED),
        "results": [
            {
                "rows": count,
                "way": way.name,
                "documents_per_s": documents / median(taken),
                "us_per_token": 1e6 * median(taken) / (documents * TOKENS),
                "us_per_step": 1e6 * median(taken) / steps[count, way],
            }
            for (count, way), taken in seconds.items()
        ],
    }


def ceiling_table(report: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "| rows | way | documents/s | host's time a token | a step |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each['rows']} | {each['way']} | {each['documents_per_s']:,.0f} "
        f"| {each['us_per_token']:.1f} us | {each['us_per_step']:.0f} us |"
        for each in report["results"]
    ]
    return "\n".join(lines)


def _serve(runner: InstantRunner, rows: int, most_drafted: int, documents: int) -> None:
    """As many are in the engine as may run, and as many again wait."""
    config = EngineConfig((512,), rows, _ENCODE_TOKENS, most_drafted=most_drafted)
    engine = Engine(config, runner, clock=runner.clock)
    waiting = iter(range(documents))
    num_inside = 0
    while True:
        for request_id in islice(waiting, 2 * rows - num_inside):
            strategy = Greedy(_OPTIONS, _SPECIAL, CopyDrafts(_SOURCE) if most_drafted else None)
            engine.submit(EngineRequest(id=request_id, source_ids=_SOURCE, strategy=strategy))
            num_inside += 1
        if engine.is_idle:
            return
        num_inside -= len(engine.step())


def _timed(work: Callable[[], None]) -> float:
    gc.collect()
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


def _written(place: int) -> int:
    return _SOURCE[_COPIED[place]] if place < TOKENS - 1 else _SPECIAL.end_id


def _next_slot(slot: int, width: int) -> int:
    """Where the next step begins: one further, or two after a draft that was right."""
    return slot + 1 + (width > 1 and slot % 2 == 1)


@cache
def _tokens(width: int) -> list[list[int]]:
    """By slot, the token that goes there and what follows it in the source."""
    nothing = [_SPECIAL.end_id] * width
    fed = [_SOURCE[_COPIED[slot - 1] :][:width] for slot in range(1, TOKENS)]
    return [nothing, *fed, *[nothing] * _SLOTS_PAST_THE_END]


@cache
def _answers(width: int) -> Sequence[Array]:
    """By slot, what the network says after each of so many tokens."""
    slots = range(TOKENS + _SLOTS_PAST_THE_END)
    places = [range(slot, slot + width) for slot in slots]
    ids = [[[_written(place), 99] for place in each] for each in places]
    log_probs = np.tile(np.array([-0.5, -3.0], np.float32), (len(slots), width, 1))
    looked_at = [[_COPIED[min(place, TOKENS - 1)] for place in each] for each in places]
    gates = np.full((len(slots), width), 0.9, np.float32)
    return np.array(ids), log_probs, np.array(looked_at), gates


def _cut(answers: Sequence[Array], slot: int) -> Outcome:
    ids, log_probs, looked_at, gates = answers
    return Outcome(ids[slot], log_probs[slot], looked_at[slot], gates[slot])
