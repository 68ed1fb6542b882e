"""ROUGE of a bundle beside that of the PyTorch model it was made from, on the same documents."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.recipe import recipe
from benchmarks.rule_summaries import rule_summaries
from model.data.records import Record, read_records
from model.evaluation.rouge import Rouge, mean, rouge
from model.evaluation.summarisers import CheckpointSummariser
from model.text_summarizer import TextSummarizer
from server.offline import OfflineEngine


def compare_quality(
    checkpoint: Path, bundle: Path, data: Sequence[Path], *, limit: int, threads: int
) -> dict[str, Any]:
    """Scores both on each file; a row a file."""
    pytorch = CheckpointSummariser("PyTorch", TextSummarizer(checkpoint), batch_size=8)
    engine = OfflineEngine(bundle, provider="cpu", max_rows=16, threads=threads)
    rows = []
    for path in data:
        records = read_records(path, limit)
        started_s = time.perf_counter()
        reference = pytorch.summarise(records)
        reference_s = time.perf_counter() - started_s
        started_s = time.perf_counter()
        summaries = rule_summaries(engine, records)
        engine_s = time.perf_counter() - started_s
        pytorch_score, score = _score(records, reference), _score(records, summaries)
        equal = sum(a == b for a, b in zip(summaries, reference, strict=True))
        rows.append(
            {
                "data": path.name,
                "documents": len(records),
                "pytorch_fp32": _rounded(pytorch_score),
                "bundle": _rounded(score),
                "rouge_l_difference": round(score.rouge_l - pytorch_score.rouge_l, 2),
                "equal_summaries": round(equal / len(records), 3),
                "pytorch_seconds": round(reference_s, 1),
                "bundle_seconds": round(engine_s, 1),
            }
        )
    return {"recipe": recipe(bundle=bundle.name, threads=engine.threads, max_rows=16), "rows": rows}


def quality_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        "| data | documents | PyTorch fp32 ROUGE-1/2/L | bundle ROUGE-1/2/L "
        "| ROUGE-L difference | equal summaries | seconds, PyTorch / bundle |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['data']} | {row['documents']} "
        f"| {_slashes(row['pytorch_fp32'])} | {_slashes(row['bundle'])} "
        f"| {row['rouge_l_difference']:+.2f} | {row['equal_summaries']:.1%} "
        f"| {row['pytorch_seconds']} / {row['bundle_seconds']} |"
        for row in report["rows"]
    ]
    return "\n".join(lines)


def _score(records: Sequence[Record], summaries: Sequence[str]) -> Rouge:
    pairs = zip(records, summaries, strict=True)
    return mean([rouge(record.summary, summary, record.lang) for record, summary in pairs])


def _rounded(scores: Rouge) -> list[float]:
    return [round(value, 1) for value in (scores.rouge1, scores.rouge2, scores.rouge_l)]


def _slashes(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)
