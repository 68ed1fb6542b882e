"""`python -m model inspect`: what a checkpoint or a bundle is, and what it can be used for."""

import argparse
import json
from pathlib import Path
from typing import Any

from model.commands.declare import command

_EPILOG = """Nothing is loaded but names and shapes, so that it takes as long for a large model as
for a small one.

exit status: 0 it runs here; 1 it is whole, but of a kind that does not run here; 2 it cannot be
read (nothing there, broken, or its weights do not fit its config.json)

examples:
  python -m model inspect models/default/checkpoint
  python -m model inspect checkpoints/bart-large-cnn --json
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands, "inspect", _run, "say what a checkpoint or a bundle is, and what it is good for",
        _EPILOG,
    )  # fmt: skip
    parser.add_argument("directory", type=Path, metavar="DIR", help="a checkpoint or a bundle")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")


def _run(options: argparse.Namespace) -> int:
    from model.checkpoints.inspection import inspect

    found = inspect(options.directory)
    if options.json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
    else:
        print(f"{options.directory}: {found.kind}, {found.problem or 'supported'}")
        for name, section in found.sections.items():
            print(f"\n{name}")
            for key, value in section.items():
                print(f"  {key.replace('_', ' '):<28} {_text(value)}")
    return 0 if found.supported else 1


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value) or "none"
    return "none" if value in (None, "") else str(value)
