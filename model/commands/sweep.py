"""`python -m model sweep`: which of a few values trains best, by cross-validation."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from model.commands.declare import command

EPILOG = """example:
  python -m model sweep --config configs/tiny.toml --folds 3 \\
      --grid optimizer.learning_rate=1e-3,3e-3 --grid optimizer.label_smoothing=0,0.01

Every combination is trained and scored once a fold. Only the files of [data] are read: neither the
validation file nor a test set takes part."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands, "sweep", _run, "compare a few hyper-parameters by cross-validation", EPILOG
    )
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="what every run does"
    )
    parser.add_argument(
        "--init", type=Path, metavar="DIR", help="start every run from this checkpoint"
    )
    parser.add_argument(
        "--grid",
        action="append",
        required=True,
        metavar="KEY=VALUE,VALUE",
        help="values to compare of a key of the configuration; may be repeated",
    )
    parser.add_argument(
        "--folds", type=int, default=3, help="parts to deal the data into (default: %(default)s)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change a key for every run; a path is relative to the configuration's folder",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write each fold's scores here as well"
    )


def _run(options: argparse.Namespace) -> None:
    try:
        from model.training.config_file import read_training_config
        from model.training.distributed import workers
        from model.training.sweep import SweepStopped, read_grid, sweep, table
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}: install the extra `train`") from error
    config = read_training_config(options.config, options.changes)
    grid = read_grid(options.grid)
    with workers() as these:
        if these.count > 1:
            raise ValueError("a sweep runs in one process: start it without torchrun")
        try:
            points = sweep(config, options.init, grid, options.folds, these, shown=True)
        except SweepStopped as stopped:
            print("interrupted: nothing is compared", file=sys.stderr)
            sys.exit(128 + stopped.signal)
    print(table(points))
    if options.json is not None:
        text = json.dumps([point.to_dict() for point in points], indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
