"""The engine over a device writes what it writes over the plain runner, alone and in a crowd."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from server.decoding.strategy import Look
from server.engine.drive import drive
from server.engine.engine import Engine
from server.engine.request import EngineRequest, Failed, Finished
from server.engine.runner import (
    DecodeBatch,
    LaneKey,
    Move,
    OutOfMemoryRunnerError,
    RunnerError,
)
from server.engine.scheduler import EngineConfig
from server.errors import EngineFailure, OutOfMemory
from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.memory.budget import NotEnoughDeviceMemory
from server.runtime.device.runner import DeviceRunner
from server.runtime.failures import DeviceError
from server.runtime.options import RunnerOptions
from tests.server.runtime.device.conftest import MAX_ROWS, Pair
from tests.server.runtime.documents import LANES, decoding, run, strategy, tokens
from tests.server.runtime.stepping import NARROW, ROUNDING, assert_alike, feed

KINDS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "drafts": {"speculation": True},
    "beams": {"num_beams": 3},
    "samples": {"temperature": 0.9, "top_p": 0.9, "seed": 7},
    "penalised": {"repetition_penalty": 1.4},
}


def options(kind: str) -> Any:
    return decoding(**{"max_tokens": 16, "min_tokens": 4, **KINDS[kind]})


def written(pair: Pair, runner: Any, kinds: Sequence[str], arrivals: Sequence[int]) -> Any:
    sources = [pair.sources[index % len(pair.sources)] for index in range(len(kinds))]
    strategies = [
        strategy(pair.bundle, source, options(kind))
        for source, kind in zip(sources, kinds, strict=True)
    ]
    return tokens(run(runner, sources, strategies, arrivals))


@pytest.mark.parametrize("kind", KINDS)
def test_a_summary_alone_is_that_of_the_plain_runner(pair: Pair, kind: str) -> None:
    expected = written(pair, pair.plain.runner, [kind], [0])
    assert written(pair, pair.runner, [kind], [0]) == expected


def test_a_crowd_of_all_kinds_writes_what_each_writes_alone(pair: Pair) -> None:
    for key in list(pair.runner._lanes.lanes()):
        pair.runner.vacate(key)
    chance = random.Random(5)  # noqa: S311 - no secret
    kinds = [chance.choice(list(KINDS)) for _ in range(20)]
    arrivals = sorted(chance.randrange(12) for _ in kinds)
    found = written(pair, pair.runner, kinds, arrivals)
    assert found == written(pair, pair.plain.runner, kinds, arrivals)
    assert _all_slots_are_free(pair)


def test_the_looks_of_a_crowd_are_those_of_each_alone_on_the_plain_runner(copying: Pair) -> None:
    sources = [copying.sources[index % len(copying.sources)] for index in range(len(KINDS))]

    def looks(runner: Any) -> list[list[Look | None]]:
        strategies = [
            strategy(copying.bundle, source, options(kind), keeps_looks=True)
            for source, kind in zip(sources, KINDS, strict=True)
        ]
        return [
            list(found[0].looks) for found in run(runner, sources, strategies, [0] * len(KINDS))
        ]

    for found, expected in zip(looks(copying.runner), looks(copying.plain.runner), strict=True):
        assert expected
        assert found == [
            each and Look(each.place, pytest.approx(each.gate, abs=ROUNDING)) for each in expected
        ]


def _all_slots_are_free(pair: Pair) -> bool:
    return all(lane.is_empty for lane in pair.runner._lanes.lanes().values())


def test_nothing_is_left_behind_by_thousands_of_steps_at_random(copying: Pair) -> None:
    """Arrivals, steps, departures and vacated lanes, as an engine might ask for them."""
    runner = copying.runner
    chance = random.Random(11)  # noqa: S311 - no secret
    lanes = [NARROW, LaneKey(256, 1), LaneKey(512, 2), LaneKey(512, 3)]
    # What each row of a lane has been fed, and from which source.
    rows: dict[LaneKey, list[list[int]]] = {lane: [] for lane in lanes}
    start_id = copying.on_device.start_id
    used = 0
    for turn in range(2000):
        lane = chance.choice(lanes)
        here = rows[lane]
        action = chance.random()
        if action < 0.25 and sum(map(len, rows.values())) < MAX_ROWS - 4:
            count = chance.randint(1, 4)
            sources = [chance.choice(copying.sources) for _ in range(count)]
            encoding = runner.begin_encoding(sources)
            while not encoding.advance(wait=chance.random() < 0.5):
                pass
            chosen = sorted(chance.sample(range(count), chance.randint(1, count)))
            runner.admit(encoding, chosen, lane, first_row=len(here))
            here += [[start_id] for _ in chosen]
        elif action < 0.6 and here:
            width = lane.width
            proposals = [
                feed([fed[-1]] * width, (len(fed) - 1) * width, places=[len(fed) - 1] * width)
                for fed in here
            ]
            said = runner.decode(DecodeBatch(lane, proposals))
            for fed, outcome in zip(here, said, strict=True):
                fed.append(outcome.token_ids.item(0, 0))
                assert np.isfinite(outcome.log_probs[0, 0])
            _remove(copying, lane, here, [n for n, fed in enumerate(here) if len(fed) > 40])
        elif here:
            _remove(copying, lane, here, [chance.randrange(len(here))])
        if turn == 1000:
            used = copying.device.used_bytes
    for lane, here in rows.items():
        _remove(copying, lane, here, list(range(len(here))))
    assert _all_slots_are_free(copying)
    # Steps of shapes that had not come before take a little; rows, lanes and encodings nothing.
    assert copying.device.used_bytes - used < used / 50


def _remove(pair: Pair, lane: LaneKey, here: list[list[int]], gone: Sequence[int]) -> None:
    for place in reversed(gone):
        last = here.pop()
        if place < len(here):
            here[place] = last
            pair.runner.move(Move(lane, len(here), place))
    if not here:
        pair.runner.vacate(lane)


def test_a_poisoned_document_is_the_only_one_to_fail(copying: Pair) -> None:
    """Its keys and values are no numbers; whoever comes to its slot later is not touched."""
    start = feed([copying.on_device.start_id], 0)
    model, runner = copying.on_device, copying.runner
    encoding = runner.begin_encoding(copying.sources[:2])
    assert encoding.advance()
    encoded = encoding.encoded()
    pitch = encoded.cross_pitch
    room = np.ctypeslib.as_array(_floats(encoded.cross, pitch))
    room[len(room) // 2 :] = np.nan
    runner.admit(encoding, [0, 1], NARROW, 0)
    healthy, poisoned = model.step(start, start)
    assert np.isnan(poisoned.log_probs[0, 0])
    # It is written on for a while: its own keys and values are no numbers either.
    model.step(start, feed([9, 9, 9, 9, 9], 1))
    model.admit(copying.sources[0], first_row=1)
    for each in (start, feed([model.start_id], 0, wants_scores=True)):
        _, after = model.step(start, each)
        assert_alike(after, 0, healthy)


def _floats(address: int, nbytes: int) -> Any:
    import ctypes

    return (ctypes.c_float * (nbytes // 4)).from_address(address)


def test_a_document_that_finds_no_room_fails_alone(
    copying: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = copying.runner
    engine = Engine(EngineConfig(LANES, max_rows=MAX_ROWS, max_encode_tokens=4096), runner)
    wide = decoding(max_tokens=8, num_beams=16)
    pool = runner._lanes
    pool.lane_for(LaneKey(LANES[0], 1), 1)
    # The lane that the first one is in is busy, and the others are there for good.
    needed = [lane.nbytes for key, lane in pool.lanes().items() if key.width == 1]
    monkeypatch.setattr(pool, "_most_bytes", sum(needed))
    source = copying.sources[0]
    requests = [
        EngineRequest(id=index, source_ids=source, strategy=strategy(copying.bundle, source, each))
        for index, each in enumerate((decoding(max_tokens=8), wide))
    ]
    ended = {event.request_id: event for event in drive(engine, requests)}
    assert isinstance(ended[0], Finished)
    assert isinstance(failed := ended[1], Failed)
    assert isinstance(failed.error, OutOfMemory)
    assert all(key.width == 1 for key in pool.lanes())


def test_more_rows_than_were_counted_are_a_want_of_memory(copying: Pair) -> None:
    model = copying.on_device
    model.admit(*[copying.sources[3]] * MAX_ROWS)
    with pytest.raises(OutOfMemoryRunnerError, match=f"{MAX_ROWS + 1} rows wanted"):
        model.admit(copying.sources[3], first_row=MAX_ROWS)
    (said, *_) = model.step(*[feed([model.start_id], 0)] * MAX_ROWS)
    assert np.isfinite(said.log_probs[0, 0])


def test_a_device_without_memory_for_the_rows_says_how_many_would_fit(copying: Pair) -> None:
    with pytest.raises(NotEnoughDeviceMemory) as refused:
        DeviceRunner(copying.bundle, HostDevice(6 << 20), RunnerOptions(threads=1, max_rows=256))
    fits = refused.value.fits
    runner = DeviceRunner(
        copying.bundle, HostDevice(6 << 20), RunnerOptions(threads=1, max_rows=fits)
    )
    assert runner.max_rows == fits


def test_a_lost_device_is_no_failure_of_a_batch(
    copying: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lost:
        def wait(self) -> None:
            raise DeviceError("CUDA failure 700: an illegal memory access was encountered")

        def __getattr__(self, name: str) -> Any:
            return getattr(queue, name)

    model, queue = copying.on_device, copying.runner._queue
    model.admit(copying.sources[0])
    monkeypatch.setattr(copying.runner, "_queue", Lost())
    with pytest.raises(DeviceError, match="700"):
        model.step(feed([model.start_id], 0))


def test_a_document_is_encoded_while_others_are_written(copying: Pair) -> None:
    model, runner = copying.on_device, copying.runner
    model.admit(copying.sources[0])
    encoding = runner.begin_encoding([copying.sources[1]])
    assert encoding.is_under_way
    encoding.advance(wait=False)
    (first,) = model.step(feed([model.start_id], 0))
    while not encoding.advance(wait=False):
        pass
    runner.admit(encoding, [0], NARROW, first_row=1)
    start = feed([model.start_id], 0)
    again, joined = model.step(start, start)
    assert_alike(again, 0, first)
    assert_alike(joined, 0, copying.plain.say_after(copying.sources[1], [model.start_id]))


def test_encodings_that_nobody_waits_for_leave_nothing_behind(copying: Pair) -> None:
    runner = copying.runner
    for _ in range(3):
        given_up = runner.begin_encoding(copying.sources)
        given_up.advance(wait=False)
        del given_up
    before = copying.device.used_bytes
    for _ in range(20):
        given_up = runner.begin_encoding(copying.sources)
        given_up.advance(wait=False)
        del given_up
    assert copying.device.used_bytes == before


def test_an_encoder_that_fails_is_told_as_such(
    copying: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 44335104")

    encoding = copying.runner.begin_encoding([copying.sources[0]])
    monkeypatch.setattr(copying.runner._encoder, "session", Failing())
    with pytest.raises(OutOfMemoryRunnerError, match="encoding 1 documents failed"):
        encoding.advance()


def test_a_failure_is_told_to_the_request_that_met_it(
    copying: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("odd")

    monkeypatch.setattr(copying.runner._encoder, "session", Odd())
    engine = Engine(EngineConfig(LANES, max_rows=2, max_encode_tokens=4096), copying.runner)
    source = copying.sources[0]
    made = strategy(copying.bundle, source, decoding())
    engine.submit(EngineRequest(id=1, source_ids=source, strategy=made))
    (failed,) = engine.step()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, EngineFailure)


def test_memory_of_an_outlier_is_given_back_after_it(copying: Pair) -> None:
    runner = DeviceRunner(
        copying.bundle, device := HostDevice(1 << 30), RunnerOptions(threads=1, max_rows=4)
    )
    source = copying.sources[3]

    def encode(count: int) -> None:
        encoding = runner.begin_encoding([source] * count)
        assert encoding.advance()
        runner.admit(encoding, [0], NARROW, 0)

    for _ in range(10):
        encode(2)
    usual = device.used_bytes
    encode(40)
    encode(2)
    assert device.used_bytes == usual


def test_a_crowd_of_greedy_rows_is_let_go_ahead(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    decode = pair.runner.decode

    def recorded(batch: DecodeBatch) -> Any:
        outcomes = decode(batch)
        taken.append(len(outcomes[0].following))
        return outcomes

    expected = written(pair, pair.plain.runner, ["greedy", "drafts"] * 4, [0] * 8)
    monkeypatch.setattr(pair.runner, "decode", recorded)
    assert written(pair, pair.runner, ["greedy", "drafts"] * 4, [0] * 8) == expected
    assert max(taken) > 1


def test_more_tokens_than_can_be_fed_at_once_are_a_typed_error(pair: Pair) -> None:
    model = pair.on_device
    model.admit(pair.sources[0])
    with pytest.raises(RunnerError, match="17 tokens of a row at once, at most 16"):
        model.step(feed([9] * 17, 0))


def test_a_source_that_its_lane_cannot_hold_is_a_typed_error(pair: Pair) -> None:
    with pytest.raises(RunnerError, match="at most 16 in this lane"):
        pair.on_device.admit(pair.sources[0], lane=LaneKey(16, 1))
