"""`python -m model train`: a checkpoint from pairs of documents and summaries."""

import argparse
import sys
from pathlib import Path
from typing import Any

from model.commands.declare import command

EPILOG = """examples:
  python -m model train --config configs/tiny.toml --output runs/tiny
  python -m model train --config configs/finetune-small.toml --output runs/meetings \\
      --init models/default/checkpoint
  python -m model train --output runs/meetings --resume
  python -m model train --config configs/tiny.toml --output runs/x --set schedule.steps=50
  torchrun --nproc-per-node 8 -m model train --config configs/default-h200.toml --output runs/y

The run's directory gets last and best (checkpoints), log.csv and validation.csv. Ctrl-C and SIGTERM
save before ending. configs/*.toml explain every key; docs/training.md tells the rest."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands, "train", _run, "train a network, or fine-tune a checkpoint", epilog=EPILOG
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="the directory of the run"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="what to do (not with --resume)"
    )
    parser.add_argument(
        "--init",
        type=Path,
        metavar="DIR",
        help="start from this checkpoint; without it, from the configuration's [network]",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in --output, exactly"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change a key of the configuration, such as schedule.steps=500; a path is relative to "
        "the configuration's folder; with --resume only some keys can be changed, no path among "
        "them; may be repeated",
    )


def _run(options: argparse.Namespace) -> None:
    if options.resume == (options.config is not None):
        raise ValueError("give either --config, for a new run, or --resume")
    if options.resume and options.init is not None:
        raise ValueError("--init is for a new run: --resume starts where the run was saved")
    try:
        from model.training.config_file import read_training_config
        from model.training.distributed import workers
        from model.training.run import resume_run, start_run
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}: install the extra `train`") from error
    with workers() as these:
        shown = these.is_first
        if options.resume:
            result = resume_run(options.output, options.changes, these, shown)
        else:
            config = read_training_config(options.config, options.changes)
            result = start_run(config, options.output, options.init, these, shown)
    if shown:
        _tell(options.output, result)
    if result.stopped_by is not None:
        sys.exit(128 + result.stopped_by)


def _tell(output: Path, result: Any) -> None:
    position = result.position
    how = {"finished": "finished", "stale": "stopped early", "stopped": "interrupted"}
    print(
        f"{how[result.ending]} after step {position.step}: {position.examples:,} examples, "
        f"{position.tokens:,} tokens, {position.seconds:,.0f} s"
    )
    if position.first is not None:
        print(f"at the start: {position.first}")
    if position.best is not None and position.best_step:
        print(f"best, at step {position.best_step}: {position.best} -> {output / 'best'}")
    elif position.best is not None:
        print("no step was better than the start")
    if result.ending == "stopped":
        print(f"go on with: python -m model train --output {output} --resume")
    else:
        print(f"last: {output / 'last'}")
