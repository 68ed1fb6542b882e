"""`python -m model attention-plots`: what each attention of the zoo looks at."""

import argparse
from pathlib import Path
from typing import Any

from model.commands.declare import command


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands, "attention-plots", _run, "draw what each attention of the zoo looks at"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="write one PNG for each mechanism, and one for masks, into this directory",
    )


def _run(options: argparse.Namespace) -> None:
    try:
        from model.explain.attention_plots import draw_all
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}: install the extra `train`") from error
    for path in draw_all(options.output):
        print(path)
