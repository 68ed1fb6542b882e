"""`python -m model summarize`: one document, by the reference decoder."""

import argparse
import sys
from pathlib import Path
from typing import Any

from model.commands.declare import add_checkpoint, command
from model.generate import GreedyOptions
from model.text_summarizer import TextSummarizer


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(commands, "summarize", _run, "summarise one document, greedily")
    add_checkpoint(parser)
    parser.add_argument("file", metavar="FILE", help="a UTF-8 text file; - is standard input")
    parser.add_argument(
        "--style",
        default="brief",
        help="brief: one or two sentences; headline: a title; detailed: key sentences; "
        "paper: 'The paper proposes ...' (default: %(default)s)",
    )
    parser.add_argument(
        "--max-tokens",
        type=int,
        default=128,
        help="stop after so many tokens, the end token counted (default: %(default)s)",
    )
    parser.add_argument(
        "--min-tokens",
        type=int,
        default=0,
        help="do not end before so many tokens (default: %(default)s)",
    )
    parser.add_argument(
        "--no-repeat-ngram-size",
        type=int,
        default=3,
        help="let no run of so many tokens occur twice; 0 allows it (default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> None:
    document = (
        sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
    )
    if not document.strip():
        raise ValueError("the document is empty")
    greedy_options = GreedyOptions(
        max_tokens=options.max_tokens,
        min_tokens=options.min_tokens,
        no_repeat_ngram_size=options.no_repeat_ngram_size,
    )
    print(TextSummarizer(options.checkpoint).summarize(document, options.style, greedy_options))
