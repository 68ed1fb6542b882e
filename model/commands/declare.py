"""How a command is declared."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEFAULT_CHECKPOINT = Path(__file__).parent.parent.parent / "models" / "default" / "checkpoint"


def command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    description: str,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """Add a command that `run` carries out; wrong input is for `run` to raise as ValueError.

    What it returns is the exit status, None being 0.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=description,
        description=description[0].upper() + description[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """Let the command work on another checkpoint than the embedded one."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=DEFAULT_CHECKPOINT,
        metavar="DIR",
        help="a checkpoint in Hugging Face's layout (default: the embedded one)",
    )
