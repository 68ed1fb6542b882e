"""What arriving documents do to those being written: the time from token to token, with and
without arrivals.

Some rows write steadily. In every other window documents arrive at random times, at a share of what
the engine could take; in the windows between, nobody comes. The same once more with every document
encoded in one go between two steps, which is what the slices are measured against.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cpu.documents import SEED, make_documents, read_reader
from benchmarks.peers.protocol import Tokens
from benchmarks.recipe import recipe
from model.progress import ProgressBar
from server.engine.drive import finish, let_go
from server.engine.engine import Engine
from server.engine.request import Failed, Written
from server.offline import TokenEngine
from server.types import DecodingOptions

_ARRIVAL_TOKENS = 64
# Room for all that arrive: a full engine would hold them back, and hide what they cost.
_MAX_ROWS = 64
# Held back, as they would be beside so many, they would cost those that write next to nothing.
_COMING = {"joins_at_once": True}
WAYS = {
    "in slices": {"slices_encoding": True, **_COMING},
    "in one go": {"slices_encoding": False, **_COMING},
}


@dataclass(frozen=True)
class StallSettings:
    """Who writes, who comes, and for how long."""

    rows: int = 4
    # Tokens that each steady row writes in a window.
    tokens: int = 256
    # Share of the documents a second that the engine could take with as many rows.
    load: float = 0.6
    windows: int = 3
    documents: str = "abstracts"
    count: int = 48
    threads: int = 0


@dataclass
class Window:
    """Times from token to token of the steady rows, in seconds."""

    gaps_s: list[float] = field(default_factory=list)
    arrivals: int = 0


def measure_stall(directory: Path, settings: StallSettings) -> dict[str, Any]:
    """Takes turns: quiet and with arrivals, in slices and in one go."""
    ours = TokenEngine.load(directory, provider="cpu", threads=settings.threads)
    documents = make_documents(settings.documents, settings.count, read_reader(directory))
    capacity = _documents_per_s(ours, documents, settings)
    rate = settings.load * capacity
    windows = {way: (Window(), Window()) for way in WAYS}
    generator = np.random.default_rng(SEED)
    for _ in ProgressBar(range(settings.windows), unit="window"):
        for way, (quiet, busy) in windows.items():
            for window, arrivals_per_s in ((quiet, 0.0), (busy, rate)):
                engine = ours.engine(_MAX_ROWS, **WAYS[way])
                arrivals = _arrivals(documents, arrivals_per_s, generator)
                _run_window(window, engine, ours, documents, arrivals, settings)
    told = {"rows": settings.rows, "tokens": settings.tokens, "load": settings.load}
    return {
        "recipe": recipe(
            bundle=str(directory), **told, documents=settings.documents, threads=ours.threads
        ),
        "capacity_documents_per_s": capacity,
        "arrivals_per_s": rate,
        "ways": {way: _figures(quiet, busy) for way, (quiet, busy) in windows.items()},
    }


def stall_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        "| encoding | arrivals | p50 ms | p99 ms | longest ms | p99 against quiet |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for way, figures in report["ways"].items():
        for kind in ("quiet", "busy"):
            of_kind = figures[kind]
            against = f"**{figures['p99_ratio']:.2f}x**" if kind == "busy" else ""
            lines.append(
                f"| {way} | {of_kind['arrivals']} | {of_kind['p50_ms']:.2f} "
                f"| {of_kind['p99_ms']:.2f} | {of_kind['longest_ms']:.2f} | {against} |"
            )
    lines.append(
        f"\n{report['arrivals_per_s']:.1f} documents a second arrive, of the "
        f"{report['capacity_documents_per_s']:.1f} that the engine could take."
    )
    return "\n".join(lines)


def _run_window(
    window: Window,
    engine: Engine,
    ours: TokenEngine,
    documents: Tokens,
    arrivals: Iterator[tuple[float, list[int]]],
    settings: StallSettings,
) -> None:
    """Until the first steady row has written all its tokens; the rest are let go."""
    steady = DecodingOptions(
        max_tokens=settings.tokens, min_tokens=settings.tokens, speculation=False
    )
    for row in range(settings.rows):
        engine.submit(ours.request(row, documents[row], steady, wants_tokens=True))
    told_s: dict[int, float] = {}
    ended = False
    started_s = 0.0
    next_id = settings.rows
    due_s, document = next(arrivals)
    while not ended:
        # The clock of the arrivals begins when everybody writes.
        now_s = time.perf_counter()
        while len(told_s) == settings.rows and now_s >= started_s + due_s:
            options = DecodingOptions(max_tokens=_ARRIVAL_TOKENS)
            engine.submit(ours.request(next_id, document, options))
            next_id += 1
            window.arrivals += 1
            due_s, document = next(arrivals)
        events = engine.step()
        now_s = time.perf_counter()
        for event in events:
            if isinstance(event, Failed):
                raise event.error
            if event.request_id >= settings.rows:
                continue
            if not isinstance(event, Written):
                ended = True
                continue
            for _ in event.tokens:
                if event.request_id not in told_s:
                    started_s = now_s
                elif len(told_s) == settings.rows and told_s[event.request_id] >= started_s:
                    window.gaps_s.append(now_s - told_s[event.request_id])
                told_s[event.request_id] = now_s
    let_go(engine, range(next_id))


def _arrivals(
    documents: Tokens, per_s: float, generator: np.random.Generator
) -> Iterator[tuple[float, list[int]]]:
    """When the next one comes, and what: a Poisson process."""
    due_s = 0.0
    while True:
        due_s += generator.exponential(1 / per_s) if per_s else float("inf")
        yield due_s, documents[int(generator.integers(len(documents)))]


def _documents_per_s(ours: TokenEngine, documents: Tokens, settings: StallSettings) -> float:
    """What the engine takes when there is always another one, after a first round to warm up."""
    seconds = 0.0
    options = DecodingOptions(max_tokens=_ARRIVAL_TOKENS)
    for _ in range(2):
        engine = ours.engine(settings.rows)
        requests = [ours.request(i, document, options) for i, document in enumerate(documents)]
        started_s = time.perf_counter()
        finish(engine, requests)
        seconds = time.perf_counter() - started_s
    return len(documents) / seconds


def _figures(quiet: Window, busy: Window) -> dict[str, Any]:
    figures = {"quiet": _of(quiet), "busy": _of(busy)}
    ratio = figures["busy"]["p99_ms"] / figures["quiet"]["p99_ms"]
    return {**figures, "p99_ratio": ratio}


def _of(window: Window) -> dict[str, float]:
    gaps_ms = np.array(window.gaps_s) * 1e3
    return {
        "arrivals": window.arrivals,
        "tokens": len(gaps_ms),
        "p50_ms": float(np.percentile(gaps_ms, 50)),
        "p99_ms": float(np.percentile(gaps_ms, 99)),
        "longest_ms": float(gaps_ms.max()),
    }
