"""The command line of the PyTorch model: `python -m model --help`."""

import argparse
import sys

from model.missing import report_missing

EXAMPLES = """examples:
  python -m model summarize examples/arxiv_en.txt
  python -m model summarize examples/arxiv_zh.txt --style headline
  python -m model inspect models/default/checkpoint
  python -m model evaluate --data tests/data/arxiv_tldr_en.jsonl
  python -m model evaluate models/default/checkpoint models/default/bundle-cpu-int8 \\
      --data pairs.jsonl.xz --style brief --limit 160 --json report.json
  python -m model explain examples/arxiv_en.txt --output out
  python -m model attention-plots --output docs/attention

This is the slow reference in PyTorch. To serve the model, use `python -m server`.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 2 where its input was wrong."""
    try:
        return _main(arguments)
    except ModuleNotFoundError as error:
        return report_missing(error, "python -m model", "train")


def _main(arguments: list[str] | None) -> int:
    # Only now, so that a missing package can be reported.
    from model.commands import (
        attention_plots,
        evaluate,
        explain,
        inspect,
        summarize,
        sweep,
        train,
    )

    parser = argparse.ArgumentParser(
        prog="python -m model",
        description="The summariser in PyTorch: summarise a document, show what a summary looked "
        "at, score checkpoints and bundles, draw attentions.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (summarize, inspect, explain, evaluate, train, sweep, attention_plots):
        module.add(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130  # 128 and the signal's number, as shells have it
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
