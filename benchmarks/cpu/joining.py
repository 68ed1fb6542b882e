"""When newcomers should join those that run: latency over the same arrivals, each way.

Documents of one length come at random times to the engine alone, without a server. Each way of
batching in its turn is given the very same arrivals.
"""

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cpu.documents import SEED, make_documents, read_reader
from benchmarks.default_style import default_style
from benchmarks.peers.protocol import Tokens
from benchmarks.recipe import recipe
from model.progress import ProgressBar
from server.engine.admission import Batching
from server.engine.engine import Engine
from server.engine.request import Failed, Finished
from server.offline import TokenEngine
from server.types import DecodingOptions

WAYS: dict[str, dict[str, Any]] = {
    "as many as run": {},
    "at once": {"joins_at_once": True},
    "dynamic": {"batching": Batching.DYNAMIC},
    "one at a time": {"batching": Batching.OFF},
}
_MAX_ROWS = 16
_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class JoiningSettings:
    """What comes, how fast, and for how long."""

    rates: Sequence[float] = (5.0, 8.0, 10.0)
    # Of each turn; the last are answered after it.
    seconds: float = 20.0
    rounds: int = 3
    documents: str = "200"
    count: int = 64
    threads: int = 0


@dataclass
class _Found:
    """Of all rounds of one way at one rate."""

    latency_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    # That the engine was at work.
    busy_s: float = 0.0


def measure_joining(directory: Path, settings: JoiningSettings) -> dict[str, Any]:
    """Takes turns; the same arrivals for all ways in a round, others in the next."""
    ours = TokenEngine.load(directory, provider="cpu", threads=settings.threads)
    documents = make_documents(settings.documents, settings.count, read_reader(directory))
    options = _default_options(ours)
    ours.generate(documents[:_MAX_ROWS], options)  # to warm up
    found: defaultdict[tuple[float, str], _Found] = defaultdict(_Found)
    turns = [(rate, number) for rate in settings.rates for number in range(settings.rounds)]
    for rate, number in ProgressBar(turns, unit="round"):
        due_s = _arrivals(rate, settings.seconds, f"{SEED}/{number}")
        for way, ways in WAYS.items():
            engine = ours.engine(_MAX_ROWS, **ways)
            _replay(found[rate, way], engine, ours, documents, due_s, options)
    told = {"documents": settings.documents, "seconds": settings.seconds, "seed": SEED}
    return {
        "recipe": recipe(
            bundle=str(directory), **told, rounds=settings.rounds, threads=ours.threads
        ),
        "figures": [
            {"rate": rate, "way": way, **_figures(each)} for (rate, way), each in found.items()
        ],
    }


def joining_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        "| rate, 1/s | who waits joins | mean ms | p50 / p95 / p99 ms | first token p50 / p99 ms "
        "| work a document, ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in report["figures"]:
        latency = " / ".join(f"{ms:,.0f}" for ms in each["latency_ms"])
        first = " / ".join(f"{ms:,.0f}" for ms in (each["first_ms"][0], each["first_ms"][-1]))
        lines.append(
            f"| {each['rate']:g} | {each['way']} | {each['mean_ms']:,.0f} | {latency} | {first} "
            f"| {each['busy_ms']:.0f} |"
        )
    return "\n".join(lines)


def _arrivals(rate: float, seconds: float, seed: str) -> list[float]:
    """A Poisson process, given how many come: so a round's rate is the one that it is named by."""
    chance = random.Random(seed)  # noqa: S311 - times, no secrets
    count = max(1, round(rate * seconds))
    return sorted(chance.uniform(0, seconds) for _ in range(count))


def _replay(
    found: _Found,
    engine: Engine,
    ours: TokenEngine,
    documents: Tokens,
    due_s: Sequence[float],
    options: DecodingOptions,
) -> None:
    """Latency is counted from when a document was due, whatever the engine was at then."""
    told: set[int] = set()
    origin_s = time.perf_counter()
    num_come = 0
    while num_come < len(due_s) or not engine.is_idle:
        now_s = time.perf_counter() - origin_s
        while num_come < len(due_s) and due_s[num_come] <= now_s:
            document = documents[num_come % len(documents)]
            engine.submit(ours.request(num_come, document, options, wants_tokens=True))
            num_come += 1
        if engine.is_idle:
            time.sleep(due_s[num_come] - now_s)
            continue
        started_s = time.perf_counter()
        events = engine.step()
        ended_s = time.perf_counter()
        found.busy_s += ended_s - started_s
        for event in events:
            if isinstance(event, Failed):
                raise event.error
            passed_s = ended_s - origin_s - due_s[event.request_id]
            if event.request_id not in told:
                told.add(event.request_id)
                found.first_s.append(passed_s)
            if isinstance(event, Finished):
                found.latency_s.append(passed_s)


def _default_options(ours: TokenEngine) -> DecodingOptions:
    defaults = default_style(ours.bundle.manifest).defaults
    return DecodingOptions(
        max_tokens=defaults.max_tokens,
        min_tokens=defaults.min_tokens,
        no_repeat_ngram_size=defaults.no_repeat_ngram_size,
        no_repeat_word_ngram_size=defaults.no_repeat_word_ngram_size or 0,
        only_source_facts=defaults.only_source_facts or False,
    )


def _figures(found: _Found) -> dict[str, Any]:
    latency_ms, first_ms = 1e3 * np.array(found.latency_s), 1e3 * np.array(found.first_s)
    return {
        "calls": len(latency_ms),
        "mean_ms": float(latency_ms.mean()),
        "latency_ms": np.percentile(latency_ms, _PERCENTILES).tolist(),
        "first_ms": np.percentile(first_ms, _PERCENTILES).tolist(),
        "busy_ms": 1e3 * found.busy_s / len(latency_ms),
    }
