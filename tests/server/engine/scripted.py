"""A runner that says what it is told to, and keeps an honest account of the rows it was given."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bundle.manifest import SpecialTokens
from server.decoding.drafting import Drafter
from server.decoding.greedy import Greedy
from server.decoding.strategy import Outcome, Proposal, Strategy
from server.engine.admission import Batching
from server.engine.engine import Engine
from server.engine.observer import EngineObserver
from server.engine.request import EngineRequest, Event, Failed, Finished, Terms
from server.engine.runner import DecodeBatch, Encoding, LaneKey, Move, RunnerError
from server.engine.scheduler import EngineConfig
from server.types import DecodingOptions
from tests.server.engine.scripted_device import Draft, ScriptedRow, no_draft, steps_ahead
from tests.server.engine.scripted_model import CANDIDATES, END, PAD

SPECIAL = SpecialTokens(pad_id=PAD, end_id=END, decoder_start_id=PAD, never_emitted_ids=(PAD,))
LANES = (4, 8, 16)


class Clock:
    """Time that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class ScriptedEncoding:
    """Takes as many slices as its runner says."""

    is_under_way = False

    def __init__(self, runner: "ScriptedRunner", sources: Sequence[Sequence[int]]) -> None:
        self.sources = [tuple(source) for source in sources]
        self.slices_left = runner.slices
        self._runner = runner

    def advance(self, *, wait: bool = True) -> bool:
        self._runner.clock.now_s += self._runner.slice_s
        self._runner.log.append("slice")
        self.slices_left -= 1
        if any(self._runner.poison in source for source in self.sources):
            raise RunnerError("poisoned")
        return self.slices_left == 0


class EncodingByItself:
    """Takes its time on the runner's clock, after those begun before it."""

    is_under_way = True

    def __init__(self, runner: "ScriptedRunner", sources: Sequence[Sequence[int]]) -> None:
        self.sources = [tuple(source) for source in sources]
        self.slices_left = 1
        self._runner = runner
        self._done_s: float | None = None

    def advance(self, *, wait: bool = True) -> bool:
        runner = self._runner
        if self._done_s is None:
            runner.log.append("begin")
            begins_s = max(runner.clock.now_s, runner.encoder_free_s)
            self._done_s = runner.encoder_free_s = begins_s + runner.encode_s
        else:
            runner.log.append("wait" if wait else "look")
        if wait:
            runner.clock.now_s = max(runner.clock.now_s, self._done_s)
        if runner.clock.now_s < self._done_s:
            return False
        if any(runner.poison in source for source in self.sources):
            raise RunnerError("poisoned")
        self.slices_left = 0
        return True


class ScriptedRunner:
    """Runs the scripted network, with one cache slot for each token that a row has fed.

    What a row writes depends on its own source and tokens alone, so a row that was mixed up with
    another is seen at once. With `encode_s` it encodes by itself, as a device does.
    """

    def __init__(
        self,
        *,
        slices: int = 2,
        slice_s: float = 0.5,
        step_s: Callable[[int, int], float] = lambda rows, tokens: 1.0,
        most_steps_ahead: int = 0,
        draft: Draft = no_draft,
        encode_s: float = 0.0,
        most_taken: int = 1000,
    ) -> None:
        self.clock = Clock()
        self.slices, self.slice_s, self.step_s = slices, slice_s, step_s
        self.most_steps_ahead, self.draft = most_steps_ahead, draft
        self.encode_s, self.encoder_free_s = encode_s, 0.0
        self.encodes_by_itself = bool(encode_s)
        # Steps ahead that it takes, however many it may.
        self.most_taken = most_taken
        self.rows: defaultdict[LaneKey, dict[int, ScriptedRow]] = defaultdict(dict)
        self.begun: list[ScriptedEncoding | EncodingByItself] = []
        self.decoded: list[DecodeBatch] = []
        # Slices and steps in the order in which they were run.
        self.log: list[str] = []
        # A source with this token cannot be encoded; a lane for such sources cannot be decoded.
        self.poison: int | None = None
        self.broken_lanes: set[int] = set()
        # The network gives no number for this source after its first few tokens.
        self.nameless: tuple[int, ...] | None = None

    @property
    def encoded(self) -> list[tuple[int, ...]]:
        """The sources that anybody began to encode."""
        return [source for encoding in self.begun for source in encoding.sources]

    def begin_encoding(
        self, sources: Sequence[Sequence[int]]
    ) -> ScriptedEncoding | EncodingByItself:
        kind = EncodingByItself if self.encode_s else ScriptedEncoding
        self.begun.append(kind(self, sources))
        return self.begun[-1]

    def admit(
        self, encoding: Encoding, documents: Sequence[int], lane: LaneKey, first_row: int
    ) -> None:
        assert isinstance(encoding, ScriptedEncoding | EncodingByItself)
        assert encoding.slices_left == 0
        for row, index in enumerate(documents, first_row):
            self.rows[lane][row] = ScriptedRow(encoding.sources[index])

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        self.decoded.append(batch)
        self.log.append("step")
        tokens = max(len(proposal.token_ids) for proposal in batch.proposals)
        steps = min(batch.steps_ahead, self.most_taken)
        self.clock.now_s += self.step_s(len(batch.proposals), tokens) * (1 + steps)
        if batch.lane.longest_source in self.broken_lanes:
            raise RunnerError("broken")
        rows = self.rows[batch.lane]
        return [
            self._outcome(rows[index], proposal, steps)
            for index, proposal in enumerate(batch.proposals)
        ]

    def _outcome(self, row: ScriptedRow, proposal: Proposal, steps: int) -> Outcome:
        outcome = proposed_outcome(row, proposal)
        following = steps_ahead(row, proposal, outcome, steps, self.draft) if steps else []
        if row.source == self.nameless:
            _lose_numbers(proposal.first_slot, outcome)
            for step in following:
                _lose_numbers(step.first_slot, step.outcome)
        return replace(outcome, following=following)

    def move(self, move: Move) -> None:
        moved = self.rows[move.lane][move.source_row]
        self.rows[move.lane][move.target_row] = ScriptedRow(moved.source, dict(moved.slots))

    def vacate(self, lane: LaneKey) -> None:
        self.rows.pop(lane, None)


def proposed_outcome(row: ScriptedRow, proposal: Proposal) -> Outcome:
    """What the network says after each of the proposed tokens."""
    answers = []
    for query, token in enumerate(proposal.token_ids):
        slot = proposal.first_slot + query
        seen = range(slot) if proposal.ancestors is None else proposal.ancestors[query]
        assert len(seen) == proposal.places[query], "a beginning without a gap"
        answers.append(row.feed(token, slot, seen))
    scores = np.stack([each.log_probs for each in answers])
    allowed = scores.copy()
    for query, ids in enumerate(proposal.excluded_ids):
        allowed[query, list(ids)] = -70.0  # what the graph's smallest probability comes to, or so
    best = np.argsort(-allowed, axis=1, kind="stable")[:, :CANDIDATES]
    return Outcome(
        token_ids=best,
        log_probs=np.take_along_axis(allowed, best, axis=1),
        copy_indices=np.array([each.copy_index for each in answers]),
        copy_gates=np.array([each.copy_gate for each in answers]),
        scores=scores if proposal.wants_scores else None,
    )


def _lose_numbers(first_slot: int, outcome: Outcome) -> None:
    """From the fourth slot on there are none."""
    outcome.log_probs[max(0, 3 - first_slot) :] = np.nan


def make_engine(
    runner: ScriptedRunner,
    *,
    max_rows: int = 4,
    max_encode_tokens: int = 32,
    batching: Batching = Batching.CONTINUOUS,
    most_drafted: int = 5,
    slices_encoding: bool = True,
    joins_at_once: bool = False,
    refuses_late: bool = True,
    observer: EngineObserver | None = None,
) -> Engine:
    config = EngineConfig(
        LANES,
        max_rows,
        max_encode_tokens,
        batching,
        most_drafted,
        slices_encoding,
        joins_at_once,
        refuses_late,
    )
    return Engine(config, runner, observer=observer, clock=runner.clock)


def make_request(
    request_id: int,
    source_ids: Sequence[int] = (10, 11, 12),
    *,
    max_tokens: int = 100,
    deadline_s: float | None = None,
    wants_tokens: bool = False,
    drafter: Drafter | None = None,
    strategy: Strategy | None = None,
) -> EngineRequest:
    return EngineRequest(
        id=request_id,
        source_ids=source_ids,
        strategy=strategy or Greedy(DecodingOptions(max_tokens=max_tokens), SPECIAL, drafter),
        terms=Terms(deadline_s, wants_tokens),
    )


def run(engine: Engine, max_steps: int = 1000) -> list[Event]:
    """Steps until nothing is left to do."""
    events: list[Event] = []
    for _ in range(max_steps):
        if engine.is_idle:
            return events
        events += engine.step()
    raise AssertionError(f"still not idle after {max_steps} steps")


def finished(events: Sequence[Event]) -> dict[int, list[int]]:
    """The best summary of each request that has one."""
    return {e.request_id: list(e.hypotheses[0].tokens) for e in events if isinstance(e, Finished)}


def failed(events: Sequence[Event]) -> dict[int, Failed]:
    return {e.request_id: e for e in events if isinstance(e, Failed)}
