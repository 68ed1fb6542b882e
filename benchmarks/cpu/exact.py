"""What exact 8-bit products cost where a processor has no VNNI: both ways side by side.

Two engines run the same bundle, one with the session option that makes products exact and one
without, and take turns. Where products are exact anyway (VNNI, Arm) there is nothing to compare.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from benchmarks.cpu.summary import spread
from benchmarks.recipe import recipe
from benchmarks.rule_summaries import rule_summaries
from bundle.arithmetic import is_exact_anyway
from bundle.processor import instruction_set
from model.data.records import Record, read_records
from model.progress import ProgressBar
from server.offline import OfflineEngine

_DATA = Path("tests/data/arxiv_tldr_en.jsonl")
_ROWS = (1, 16)
# A document of the usual length, alone and in a batch.
_SOURCE = [5, *range(100, 334), 1]
_BATCHES = (1, 8)
_REMEDY = "server.runtime.session.make_products_exact"


@dataclass(frozen=True)
class ExactSettings:
    """How long it takes."""

    documents: int
    rounds: int
    threads: int


def measure_exact(bundle: Path, settings: ExactSettings) -> dict[str, Any]:
    """Measures both ways in turn; refuses where there is only one."""
    if is_exact_anyway(instruction_set()):
        raise SystemExit(f"on {instruction_set()} products are exact without help: one way only")
    records = read_records(_DATA, settings.documents)
    rounds = [
        {
            (way, what): figure
            for rows in _ROWS
            for way, engine in _engines(bundle, rows, settings.threads).items()
            for what, figure in _measure(engine, rows, records).items()
        }
        for _ in ProgressBar(range(settings.rounds), unit="round")
    ]
    names = [what for way, what in rounds[0] if way == "exact"]
    return {
        "recipe": recipe(
            bundle=bundle.name,
            documents=f"{len(records)} of {_DATA.name}",
            rounds=settings.rounds,
            threads=settings.threads or "all cores",
        ),
        "rows": [_row(what, rounds) for what in names],
    }


def exact_table(report: Mapping[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        "| what | overflowing | exact | ratio (lowest to highest) |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['what']} | {row['fast']:.4g} | {row['exact']:.4g} "
        f"| {row['ratio']:.2f} ({row['lowest']:.2f} to {row['highest']:.2f}) |"
        for row in report["rows"]
    ]
    return "\n".join(lines)


def _engines(bundle: Path, rows: int, threads: int) -> dict[str, OfflineEngine]:
    def load() -> OfflineEngine:
        return OfflineEngine(bundle, provider="cpu", max_rows=rows, threads=threads)

    with mock.patch(_REMEDY):
        fast = load()
    return {"fast": fast, "exact": load()}


def _measure(engine: OfflineEngine, rows: int, records: Sequence[Record]) -> dict[str, float]:
    rule_summaries(engine, records[:2], progress=False)
    seconds = _seconds(lambda: rule_summaries(engine, records, progress=False))
    figures = {f"documents/s, {rows} at once": len(records) / seconds}
    if rows == _ROWS[-1]:
        for size in _BATCHES:
            batch = [_SOURCE] * size
            figures[f"encoder, {size} of {len(_SOURCE)} tokens, ms"] = 1000 * min(
                _seconds(lambda batch=batch: engine.tokens.encode(batch)) for _ in range(5)
            )
    return figures


def _seconds(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def _row(what: str, rounds: Sequence[Mapping[tuple[str, str], float]]) -> dict[str, Any]:
    ratio = spread([each["exact", what] / each["fast", what] for each in rounds])
    return {
        "what": what,
        "fast": median(each["fast", what] for each in rounds),
        "exact": median(each["exact", what] for each in rounds),
        "ratio": ratio.median,
        "lowest": ratio.lowest,
        "highest": ratio.highest,
    }
