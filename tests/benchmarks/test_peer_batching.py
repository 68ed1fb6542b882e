"""The batching of the CTranslate2 server, without CTranslate2."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.peers.batching import Batcher, BatchLimits, QueueFull
from benchmarks.peers.text import one_line
from bundle.normalise import normalise

PATIENCE_S = 10.0
NEVER_S = 3600.0


class Doubler:
    """Doubles numbers and remembers what it was given together; minus one is too much for it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        if -1 in numbers:
            raise ValueError("too much")
        return [2 * number for number in numbers]


@asynccontextmanager
async def working(batcher: Batcher[int, int]) -> AsyncIterator[None]:
    worker = asyncio.create_task(batcher.work())
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    finally:
        worker.cancel()


async def submitted(batcher: Batcher[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(batcher.submit(number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_what_waits_goes_together_in_order_up_to_the_limit() -> None:
    doubler = Doubler()
    batcher = Batcher(doubler, BatchLimits(max_batch=2, max_delay_s=0, max_waiting=9))
    tasks = await submitted(batcher, 1, 2, 3, 4, 5)
    async with working(batcher):
        assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10]
    assert doubler.batches == [[1, 2], [3, 4], [5]]


async def test_a_batch_that_is_full_waits_for_nobody() -> None:
    doubler = Doubler()
    batcher = Batcher(doubler, BatchLimits(max_batch=2, max_delay_s=NEVER_S, max_waiting=9))
    async with working(batcher):
        first = await submitted(batcher, 1)
        second = await submitted(batcher, 2)
        assert await asyncio.gather(*first, *second) == [2, 4]
    assert doubler.batches == [[1, 2]]


async def test_a_batch_that_is_not_full_goes_when_its_time_is_over() -> None:
    batcher = Batcher(Doubler(), BatchLimits(max_batch=2, max_delay_s=0.01, max_waiting=9))
    async with working(batcher):
        assert await batcher.submit(7) == 14


async def test_more_than_may_wait_are_refused() -> None:
    batcher = Batcher(Doubler(), BatchLimits(max_batch=2, max_delay_s=0, max_waiting=2))
    tasks = await submitted(batcher, 1, 2)
    with pytest.raises(QueueFull, match="2 requests wait already"):
        await batcher.submit(3)
    async with working(batcher):
        assert await asyncio.gather(*tasks) == [2, 4]


async def test_whose_caller_has_gone_is_not_computed() -> None:
    doubler = Doubler()
    batcher = Batcher(doubler, BatchLimits(max_batch=4, max_delay_s=0, max_waiting=9))
    gone, stays = await submitted(batcher, 1, 2)
    gone.cancel()
    await asyncio.sleep(0)
    async with working(batcher):
        assert await stays == 4
    assert doubler.batches == [[2]]


async def test_a_failure_reaches_its_batch_and_the_next_is_computed() -> None:
    batcher = Batcher(Doubler(), BatchLimits(max_batch=2, max_delay_s=0, max_waiting=9))
    first, second, third = await submitted(batcher, -1, 1, 2)
    async with working(batcher):
        for task in (first, second):
            with pytest.raises(ValueError, match="too much"):
                await task
        assert await third == 4


def test_the_peer_reads_the_documents_as_we_do() -> None:
    files = [Path("tests/data/arxiv_tldr_en.jsonl"), Path("tests/data/arxiv_tldr_zh.jsonl")]
    documents = [
        json.loads(line)["document"] for f in files for line in f.read_text("utf-8").splitlines()
    ]
    documents += [path.read_text("utf-8") for path in sorted(Path("examples").glob("*.txt"))]
    assert [one_line(document) for document in documents] == list(map(normalise, documents))
