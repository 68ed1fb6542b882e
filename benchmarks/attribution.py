"""How much of real summaries is copied, whether the places are exact, and what asking costs."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.recipe import recipe
from bundle.normalise import normalise
from model.data.records import read_records
from server.offline import OfflineEngine, OfflineSummary
from server.offline.request import TracedParts
from server.types import AttributionKind

_WAYS: tuple[TracedParts, ...] = ("", "word", "sentence")


def measure_attribution(
    bundle: Path, data: Sequence[Path], *, limit: int, rounds: int, threads: int
) -> dict[str, Any]:
    """Summarises the documents of each file with and without attribution, in turns."""
    rows = []
    with OfflineEngine(bundle, provider="cpu", threads=threads) as engine:
        for path in data:
            documents = [record.document for record in read_records(path, limit)]
            list(engine.summarise(documents[:1]))  # what is made once is made now
            words: list[OfflineSummary] = []
            costs: list[dict[str, float]] = []
            for number in range(rounds):
                turn = number % len(_WAYS)
                seconds = {}
                for way in (*_WAYS[turn:], *_WAYS[:turn]):
                    started_s = time.process_time()
                    summaries = list(engine.summarise(documents, attribution=way))
                    seconds[way] = time.process_time() - started_s
                    words = summaries if way == "word" else words
                costs.append(seconds)
            rows.append(
                {"data": path.name, "documents": len(documents)}
                | _copied(documents, words)
                | {f"cost_{way}": _cost(costs, way) for way in _WAYS[1:]}
            )
        settings = {"bundle": bundle.name, "threads": engine.threads, "rounds": rounds}
    return {"recipe": recipe(**settings), "rows": rows}


def attribution_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        "| data | documents | words | copied | of these exact "
        "| processor time, words / sentences asked for |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['data']} | {row['documents']} | {row['words']} | {row['copied']:.1%} "
        f"| {row['exact']:.1%} | {row['cost_word']:+.1%} / {row['cost_sentence']:+.1%} |"
        for row in report["rows"]
    ]
    return "\n".join(lines)


def _copied(documents: Sequence[str], summaries: Sequence[OfflineSummary]) -> dict[str, Any]:
    """Of all words the share that is copied, and of these the share that stands at its span."""
    words, exact = 0, []
    for document, summary in zip(documents, summaries, strict=True):
        for each in summary.attributions:
            words += 1
            if each.kind is AttributionKind.COPIED:
                there = normalise(document[slice(*each.source_spans[0].span)])
                exact.append(there == summary.text[slice(*each.summary_span)])
    return {"words": words, "copied": len(exact) / words, "exact": sum(exact) / len(exact)}


def _cost(costs: Sequence[dict[str, float]], way: str) -> float:
    """What a way takes beyond none, the median of the rounds."""
    return statistics.median(each[way] / each[""] for each in costs) - 1
