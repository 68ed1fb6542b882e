"""`python -m model evaluate`: scores of checkpoints, bundles and baselines on a file of records."""

import argparse
import json
import sys
from itertools import islice
from os.path import abspath
from pathlib import Path
from typing import Any

from model.commands.declare import DEFAULT_CHECKPOINT, command

_EPILOG = """examples:
  python -m model evaluate --data tests/data/arxiv_tldr_en.jsonl
  python -m model evaluate models/default/checkpoint models/default/bundle-cpu-int8 \\
      --data pairs.jsonl.xz --style brief --limit 160 --json report.json
  python -m model evaluate DIR --data pairs.jsonl --baselines lead-1 lead-3 textrank-2
  python -m model evaluate DIR --data pairs.jsonl --repetition tokens-3 words-3 none \\
      --vocabulary train.jsonl.xz

The measures, and how far to trust them: docs/evaluation.md.
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands, "evaluate", _run, "score checkpoints and bundles on a data file", _EPILOG
    )
    parser.add_argument(
        "systems",
        type=Path,
        nargs="*",
        metavar="DIR",
        help="checkpoints and bundles, compared with the first (default: the embedded checkpoint)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON lines of document, summary, and as you like style, lang (en, zh), id and set; "
        ".xz and .gz are read too",
    )
    parser.add_argument("--limit", type=int, help="score the first so many (default: all)")
    parser.add_argument("--style", help="score the records of this style only (default: all)")
    parser.add_argument(
        "--default-style",
        metavar="STYLE",
        help="the style of records that name none; models without styles need none",
    )
    parser.add_argument(
        "--on-bad-line",
        choices=("refuse", "skip"),
        default="refuse",
        help="what to do about lines that hold no record; they are counted and shown either way "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--baselines",
        nargs="*",
        default=["lead", "textrank"],
        metavar="NAME",
        help="lead, textrank (three sentences for `detailed`, else one), lead-N, textrank-N; "
        "none if none is named (default: lead textrank)",
    )
    parser.add_argument(
        "--repetition",
        nargs="+",
        default=["tokens-3"],
        metavar="RULE",
        help="what may not be written twice: tokens-N, words-N (whole words) or none; +facts after "
        "it forbids names and numbers that the document lacks, which takes a checkpoint long; of "
        "several rules, each is scored and compared with the first (default: tokens-3)",
    )
    parser.add_argument(
        "--vocabulary",
        type=Path,
        nargs="*",
        default=[],
        metavar="FILE",
        help="JSON lines whose text tells which words exist, beside that of --data",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=16,
        help="documents decoded at once; a matter of time, not of scores (default: %(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all measures of every summary here"
    )


def _run(options: argparse.Namespace) -> None:
    from model.data.records import RecordReader
    from model.evaluation.baselines import make_baseline
    from model.evaluation.evaluate import evaluate
    from model.evaluation.recipe import recipe
    from model.evaluation.report import as_dict, tables
    from model.evaluation.rule import read_repetition
    from model.evaluation.summarisers import open_summariser
    from model.evaluation.vocabulary import read_texts

    if options.limit is not None and options.limit < 1:
        raise ValueError(f"--limit must be at least 1, not {options.limit}")
    if options.json is not None and not options.json.parent.is_dir():
        raise ValueError(f"--json: there is no directory {options.json.parent}")
    rules = [read_repetition(name) for name in options.repetition]
    several = len(rules) > 1
    baselines = [make_baseline(name) for name in options.baselines]
    reader = RecordReader(options.data, options.on_bad_line, options.default_style)
    chosen = (record for record in reader if options.style in (None, record.style))
    records = list(islice(chosen, options.limit))
    if reader.bad_count:
        print(reader.complaint(), file=sys.stderr)
    if not records:
        raise ValueError(f"{options.data} holds no such record")

    paths = options.systems or [DEFAULT_CHECKPOINT]
    systems = [
        open_summariser(path, options.batch_size, f"{name}, {rule}" if several else name, rule)
        for path, name in zip(paths, _names(paths), strict=True)
        for rule in rules
    ]
    texts = read_texts(options.vocabulary)
    evaluation = evaluate(records, systems, baselines, other_texts=texts)
    print(tables(evaluation))
    if options.json is not None:
        settings = recipe(
            options.data,
            systems=[str(path) for path in paths],
            style=options.style,
            limit=options.limit,
            batch_size=options.batch_size,
            repetition=[str(rule) for rule in rules],
            vocabulary=[str(path) for path in options.vocabulary],
            unusable_lines=reader.bad_count,
        )
        text = json.dumps(as_dict(evaluation, settings), indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")


def _names(paths: list[Path]) -> list[str]:
    """The directories' names; with their parents' where two have the same.

    Links are not followed: who asks for `best` looks for it in the table.
    """
    found = [Path(abspath(path)) for path in paths]
    names = [path.name for path in found]
    if len(set(names)) == len(names):
        return names
    return [f"{path.parent.name}/{path.name}" for path in found]
