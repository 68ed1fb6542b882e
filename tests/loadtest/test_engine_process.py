"""The process that makes the calls: when a phase ends, and a stop at an unlucky moment."""

import asyncio
import json
from typing import Any

import pytest

from loadtest.engine.__main__ import _Process
from loadtest.engine.caller import Answer, Ask, Caller
from loadtest.engine.generator import Generator
from loadtest.orders import Line, Order, Setup, Target, Work
from loadtest.scenario import CorpusTable, MixEntry, Phase

TARGET = Target(address="nowhere:1", caller=f"{__name__}:Silence")
WORK = Work(seed="0", corpus=CorpusTable(), mix=(MixEntry(),))
PHASE = Phase(name="p", seconds=600.0, rate=50.0)


class Silence(Caller):
    """Never answers."""

    async def send(self, ask: Ask, timeout_s: float, deltas_s: list[float]) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError


class Echo(Caller):
    """Answers at once."""

    async def send(self, ask: Ask, timeout_s: float, deltas_s: list[float]) -> Answer:
        return Answer(status="OK")


class Mouth:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.words: dict[str, Any] = {}
        self.is_done = asyncio.Event()

    def write(self, line: bytes) -> None:
        self.words |= json.loads(line)
        if "done" in self.words:
            self.is_done.set()


async def test_a_phase_stopped_as_it_is_ordered_still_tells_of_its_end() -> None:
    mouth = Mouth()
    process = _Process(mouth)
    await process.carry_out(Line(setup=Setup(target=TARGET, work=WORK)))

    await process.carry_out(Line(order=Order(number=0, phase=PHASE, start_s=0.3)))
    await process.carry_out(Line(stop=True))

    await asyncio.wait_for(mouth.is_done.wait(), 10)
    assert mouth.words["done"]["ended_early"]
    await process.end()


async def test_a_phase_lasts_to_its_end_though_all_are_answered_before() -> None:
    target = Target(address="nowhere:1", caller=f"{__name__}:Echo")
    generator = Generator(Setup(target=target, work=WORK), lambda call: None)
    phase = Phase(name="p", seconds=0.3, at_s=(0.0, 0.01))

    found = await generator.run(Order(number=0, phase=phase, start_s=5.0))

    assert found["end_s"] == pytest.approx(5.3)
    assert not found["ended_early"]
