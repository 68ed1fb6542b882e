"""Short requests beside somebody who sends a long document again and again."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.long.documents import of_length
from benchmarks.recipe import recipe
from benchmarks.serving.processes import running
from model.data.records import read_records
from precis_client.aio import AsyncClient
from precis_client.types import Length, LongDocumentPolicy

_SHORT = (Path("tests/data/arxiv_tldr_en.jsonl"), Path("tests/data/arxiv_tldr_zh.jsonl"))
_LONG_CALLS: dict[str, dict[str, Any]] = {
    "auto, extract": {"style": "extract", "length": Length(words=120)},
    "auto, headline": {"style": "headline"},
    "cover": {"long_document_policy": LongDocumentPolicy.COVER, "length": Length(words=120)},
}
_CALLERS = 16
_PATIENCE_S = 600.0
_SEED = 0
_TURNS = 4


def measure_beside(
    bundle: Path, *, characters: int, seconds: float, share: float, only: Sequence[str]
) -> dict[str, Any]:
    """Measures the same arrivals without and with each kind of long call."""
    short = [record.document for path in _SHORT for record in read_records(path)]
    random.Random(_SEED).shuffle(short)  # noqa: S311 - no secret
    command = [sys.executable, "-m", "server", "--bundle", str(bundle), "--metrics", "off"]
    command += ["--log-level", "error"]
    with running(lambda port: [*command, "--port", str(port)]) as port:
        report = asyncio.run(
            _measure(
                f"127.0.0.1:{port}", short, of_length(characters),
                seconds=seconds, share=share, only=only,
            )
        )  # fmt: skip
    settings = recipe(bundle=bundle.name, characters=characters, seconds=seconds, share=share)
    return {"recipe": settings, **report}


async def _measure(
    address: str, short: Sequence[str], long: str, *, seconds: float, share: float,
    only: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    async with AsyncClient(address, timeout_s=_PATIENCE_S) as client:
        capacity = await _capacity(client, short, max(8.0, seconds / 4))
        rate = share * capacity
        loads = ["alone", *(name for name in _LONG_CALLS if not only or name in only)]
        latencies_s: dict[str, list[list[float]]] = {name: [] for name in loads}
        times_s: dict[str, list[float]] = {name: [] for name in loads}
        # In turns, so that what else the machine does is spread over all.
        for turn, name in product(range(_TURNS), loads):
            calls = _LONG_CALLS.get(name)
            beside = _again_and_again(client, long, calls) if calls else nullcontext([])
            async with beside as times:
                found = await _open_loop(client, short, rate, seconds / _TURNS, turn)
            latencies_s[name].append(found)
            times_s[name] += times
    rows = [_row(name, latencies_s[name], times_s[name]) for name in loads]
    return {"capacity": round(capacity, 2), "rate": round(rate, 2), "rows": rows}


def _row(name: str, turns_s: Sequence[Sequence[float]], times_s: Sequence[float]) -> dict[str, Any]:
    latencies_s = np.concatenate(turns_s)
    p50, p99 = np.percentile(latencies_s, (50, 99)) * 1000
    return {
        "beside": name,
        "requests": len(latencies_s),
        "p99_of_turns_ms": [round(1000 * float(np.percentile(turn, 99))) for turn in turns_s],
        "p50_ms": round(p50),
        "p99_ms": round(p99),
        "long_documents": len(times_s),
        "long_s": round(float(np.mean(times_s)), 2) if times_s else None,
    }


async def _capacity(client: AsyncClient, documents: Sequence[str], seconds: float) -> float:
    """Summaries a second that callers get who never pause."""
    end_s = time.monotonic() + seconds
    done = 0

    async def caller(number: int) -> None:
        nonlocal done
        while time.monotonic() < end_s:
            await client.summarize(documents[number % len(documents)])
            number += _CALLERS
            done += time.monotonic() < end_s

    await asyncio.gather(*map(caller, range(_CALLERS)))
    return done / seconds


async def _open_loop(
    client: AsyncClient, documents: Sequence[str], rate: float, seconds: float, seed: int
) -> list[float]:
    """Latencies from the moment that each request was due, whether or not others were done."""
    draws = random.Random(seed)  # noqa: S311 - no secret
    started_s = time.monotonic()

    async def call(due_s: float, document: str) -> float:
        await asyncio.sleep(max(0.0, started_s + due_s - time.monotonic()))
        await client.summarize(document)
        return time.monotonic() - started_s - due_s

    due_s, calls = draws.expovariate(rate), []
    while due_s < seconds:
        calls.append(call(due_s, documents[len(calls) % len(documents)]))
        due_s += draws.expovariate(rate)
    return list(await asyncio.gather(*calls))


@asynccontextmanager
async def _again_and_again(
    client: AsyncClient, document: str, fields: dict[str, Any]
) -> AsyncIterator[list[float]]:
    """Has one caller who sends a document, waits for the answer, and sends it again."""
    times_s: list[float] = []

    async def caller() -> None:
        while True:
            started_s = time.monotonic()
            await client.summarize(document, **fields)
            times_s.append(time.monotonic() - started_s)

    task = asyncio.create_task(caller())
    try:
        yield times_s
        if task.done():
            task.result()  # raises what the long call failed with
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def beside_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    alone = report["rows"][0]
    heads = ["long document", "short requests", "p50 ms", "p99 ms", "p99 of that alone"]
    heads += ["p99 of the turns, ms", "long documents done", "seconds each"]
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    lines += [
        f"| {row['beside']} | {row['requests']} | {row['p50_ms']} | {row['p99_ms']} "
        f"| {row['p99_ms'] / alone['p99_ms']:.2f} "
        f"| {', '.join(map(str, row['p99_of_turns_ms']))} "
        f"| {row['long_documents']} | {row['long_s'] or '-'} |"
        for row in report["rows"]
    ]
    lines += ["", f"{report['rate']} short requests a second; {report['capacity']} at most."]
    return "\n".join(lines)
