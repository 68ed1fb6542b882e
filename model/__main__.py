"""The command line of the PyTorch model: `python -m model --help`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.evaluate import evaluate_checkpoint, read_records
from model.generate import GreedyOptions
from model.text_summarizer import TextSummarizer

DEFAULT_CHECKPOINT = Path(__file__).parent.parent / "models" / "default" / "checkpoint"

EXAMPLES = """examples:
  python -m model summarize examples/arxiv_en.txt
  python -m model summarize examples/arxiv_zh.txt --style headline
  python -m model evaluate --data tests/data/arxiv_tldr_en.jsonl
  python -m model evaluate --data pairs.jsonl.xz --style brief --limit 160 --json report.json
  python -m model attention-plots --output docs/attention

This is the slow reference in PyTorch. To serve the model, use `python -m server`.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 2 where its input was wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _summarize(options: argparse.Namespace) -> None:
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


def _evaluate(options: argparse.Namespace) -> None:
    records = read_records(options.data, options.limit, options.style)
    if not records:
        raise ValueError(f"{options.data} holds no such record")
    summarizer = TextSummarizer(options.checkpoint)
    report = evaluate_checkpoint(records, summarizer, options.batch_size)
    print(f"{len(records)} documents, ROUGE-1/2/L F1: {report.mean}")
    if options.json is not None:
        text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")


def _attention_plots(options: argparse.Namespace) -> None:
    try:
        from model.attention_plots import draw_all  # the only command that needs matplotlib
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}: install the extra `train`") from error
    for path in draw_all(options.output):
        print(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model",
        description="The summariser in PyTorch: summarise one document, score a checkpoint, draw "
        "attentions.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    summarize = _command(commands, "summarize", _summarize, "summarise one document, greedily")
    summarize.add_argument("file", metavar="FILE", help="a UTF-8 text file; - is standard input")
    summarize.add_argument(
        "--style",
        default="brief",
        help="brief: one or two sentences; headline: a title; detailed: key sentences; "
        "paper: 'The paper proposes ...' (default: %(default)s)",
    )
    summarize.add_argument(
        "--max-tokens",
        type=int,
        default=128,
        help="stop after so many tokens, the end token counted (default: %(default)s)",
    )
    summarize.add_argument(
        "--min-tokens",
        type=int,
        default=0,
        help="do not end before so many tokens (default: %(default)s)",
    )
    summarize.add_argument(
        "--no-repeat-ngram-size",
        type=int,
        default=3,
        help="let no run of so many tokens occur twice; 0 allows it (default: %(default)s)",
    )

    evaluate = _command(commands, "evaluate", _evaluate, "ROUGE of a checkpoint on a data file")
    evaluate.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON lines with id, document, summary, style, lang; .xz and .gz are read too",
    )
    evaluate.add_argument("--limit", type=int, help="score the first so many (default: all)")
    evaluate.add_argument("--style", help="score the records of this style only (default: all)")
    evaluate.add_argument(
        "--batch-size",
        type=int,
        default=16,
        help="documents decoded at once; a matter of time, not of scores (default: %(default)s)",
    )
    evaluate.add_argument(
        "--json", type=Path, metavar="FILE", help="write every summary and its scores here"
    )

    plots = _command(
        commands,
        "attention-plots",
        _attention_plots,
        "draw what each attention of the zoo looks at",
        reads_checkpoint=False,
    )
    plots.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="write one PNG for each mechanism, and one for masks, into this directory",
    )
    return parser


def _command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    description: str,
    reads_checkpoint: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=description,
        description=description[0].upper() + description[1:] + ".",
    )
    parser.set_defaults(run=run)
    if reads_checkpoint:
        parser.add_argument(
            "--checkpoint",
            type=Path,
            default=DEFAULT_CHECKPOINT,
            metavar="DIR",
            help="a checkpoint in Hugging Face's layout (default: the embedded one)",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
