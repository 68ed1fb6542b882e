"""The command line of the measurements on a GPU."""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu.cases import full_tour, rehearsal

_HOME = Path("build/gpu")


def add_gpu_command(commands: Any) -> argparse.ArgumentParser:
    """Describes it to argparse."""
    gpu: argparse.ArgumentParser = commands.add_parser(
        "gpu", help="this engine beside others on one GPU, within minutes"
    )
    gpu.add_argument("--minutes", type=float, default=8.0, help="for all of it (default: 8)")
    gpu.add_argument(
        "--rehearse", action="store_true",
        help="the same on the processor with a tiny network: shows that it works, and no figure",
    )  # fmt: skip
    gpu.add_argument(
        "--prepare", action="store_true",
        help="only what needs no GPU: the graphs, to be taken along in HOME/prepared",
    )  # fmt: skip
    gpu.add_argument(
        "--only", nargs="+", default=[], metavar="WORDS",
        help="cases whose name holds one of these, such as 'batch 1,' (default: all)",
    )  # fmt: skip
    gpu.add_argument(
        "--contenders", nargs="+", default=[], metavar="NAME", help="these alone (default: all)"
    )
    gpu.add_argument("--home", type=Path, default=_HOME, help="of models made for it")
    gpu.add_argument(
        "--output", type=Path, metavar="FILE",
        help="JSON lines, each written as soon as it is known (default: a new file in HOME)",
    )  # fmt: skip
    gpu.add_argument(
        "--table", type=Path, metavar="FILE", help="only print the tables of such a file"
    )
    return gpu


def run_gpu(parsed: argparse.Namespace) -> int:
    """Prepares, measures or prints; whatever ends it, what was found is printed."""
    from benchmarks.gpu.deadline import Deadline
    from benchmarks.gpu.journal import Journal, read_journal
    from benchmarks.gpu.materials import Materials
    from benchmarks.gpu.run import Settings, choose, run_tour
    from benchmarks.gpu.table import tables

    within = Deadline(parsed.minutes * 60)
    if parsed.table:
        records = read_journal(parsed.table)
        was_rehearsal = any(r["kind"] == "recipe" and r["device"] == "cpu" for r in records)
        sys.stdout.write(tables(records, rehearsal() if was_rehearsal else full_tour()) + "\n")
        return 0
    tour = rehearsal() if parsed.rehearse else full_tour()
    device, precision = ("cpu", "fp32") if parsed.rehearse else ("cuda", "fp16")
    stages = choose(tour, parsed.only, parsed.contenders)
    if not stages:
        raise SystemExit(f"no case has {' or '.join([*parsed.only, *parsed.contenders])} in it")
    if parsed.prepare:
        geometries = dict.fromkeys(stage.geometry for stage in stages)
        Materials(parsed.home, precision).prepare(geometries)
        return 0
    path = parsed.output or parsed.home / time.strftime("%Y-%m-%d-%H%M%S.jsonl")
    journal = Journal(path)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_tour(stages, Settings(device, precision, parsed.home), journal, within)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: the tables hold what was found until now\n")
    sys.stdout.write(f"{tables(journal.records, stages)}\n\nWritten to {path}.\n")
    return 0
