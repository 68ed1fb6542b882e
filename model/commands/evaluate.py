"""`python -m model evaluate`: scores on a file of documents with reference summaries."""

import argparse
import json
from pathlib import Path
from typing import Any

from model.commands.declare import add_checkpoint, command
from model.evaluation.evaluate import evaluate_checkpoint
from model.records import read_records
from model.text_summarizer import TextSummarizer


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(commands, "evaluate", _run, "ROUGE of a checkpoint on a data file")
    add_checkpoint(parser)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON lines with id, document, summary, style, lang; .xz and .gz are read too",
    )
    parser.add_argument("--limit", type=int, help="score the first so many (default: all)")
    parser.add_argument("--style", help="score the records of this style only (default: all)")
    parser.add_argument(
        "--batch-size",
        type=int,
        default=16,
        help="documents decoded at once; a matter of time, not of scores (default: %(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write every summary and its scores here"
    )


def _run(options: argparse.Namespace) -> None:
    records = read_records(options.data, options.limit, options.style)
    if not records:
        raise ValueError(f"{options.data} holds no such record")
    summarizer = TextSummarizer(options.checkpoint)
    report = evaluate_checkpoint(records, summarizer, options.batch_size)
    print(f"{len(records)} documents, ROUGE-1/2/L F1: {report.mean}")
    if options.json is not None:
        text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
