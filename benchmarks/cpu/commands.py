"""The command line of the measurements on a CPU."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cpu.cases import TOURS

_HOME = Path("build/cpu")
_BUNDLE = Path("models/default/bundle-cpu-int8")
_QUALITY_DATA = (Path("tests/data/arxiv_tldr_en.jsonl"), Path("tests/data/arxiv_tldr_zh.jsonl"))


def add_cpu_commands(commands: Any) -> Sequence[argparse.ArgumentParser]:
    """Describes them to argparse."""
    cpu = commands.add_parser("cpu", help="this engine beside others, taking turns")
    cpu.add_argument(
        "--tour", choices=TOURS, default="goals",
        help="goals: minutes; full: hours; quick: seconds, on a tiny network (default: goals)",
    )  # fmt: skip
    cpu.add_argument(
        "--only", nargs="+", default=[], metavar="WORDS",
        help="cases whose name holds one of these, such as 'batch 1' (default: all)",
    )  # fmt: skip
    cpu.add_argument(
        "--contenders", nargs="+", default=[], metavar="NAME",
        help="those whose name holds one of these, such as 'ours' (default: all)",
    )  # fmt: skip
    cpu.add_argument("--repeats", type=int, default=3, help="turns of each, from 3 (default: 3)")
    cpu.add_argument(
        "--quality-data", type=Path, nargs="*", default=_QUALITY_DATA, metavar="FILE",
        help="for ROUGE in the goals' tour; none leaves it out (default: the two in tests/data)",
    )  # fmt: skip
    cpu.add_argument("--plot", type=Path, help="where to draw it, as .svg or .png")
    steps = commands.add_parser("steps", help="cost of a decoder step by rows and tokens")
    steps.add_argument(
        "bundles", type=Path, nargs="*",
        help="to compare (default: both formats of the default and of DistilBART, made for it)",
    )  # fmt: skip
    steps.add_argument("--rows", type=int, nargs="+", default=(1, 4, 8, 16, 32))
    steps.add_argument("--tokens", type=int, nargs="+", default=tuple(range(1, 9)))
    steps.add_argument("--source", type=int, default=400, help="source tokens (default: 400)")
    steps.add_argument("--cache", type=int, default=64, help="cache slots (default: 64)")
    steps.add_argument("--rounds", type=int, default=30, help="turns of each (default: 30)")
    stall = commands.add_parser("stall", help="what arrivals do to documents being written")
    stall.add_argument("--rows", type=int, default=4, help="that write steadily (default: 4)")
    stall.add_argument(
        "--tokens",
        type=int,
        default=256,
        help="that each of them writes in a window (default: 256)",
    )
    stall.add_argument(
        "--load", type=float, default=0.6, help="arrivals, of what could be taken (default: 0.6)"
    )
    stall.add_argument("--windows", type=int, default=6, help="of each kind (default: 6)")
    stall.add_argument(
        "--documents", default="abstracts", help="or 'mixed', or a length (default: abstracts)"
    )
    joining = commands.add_parser("joining", help="latency by when newcomers join the others")
    joining.add_argument(
        "--rates", type=float, nargs="+", default=(5.0, 8.0, 10.0), help="default: 5 8 10"
    )
    joining.add_argument("--seconds", type=float, default=20.0, help="of a turn (default: 20)")
    joining.add_argument("--rounds", type=int, default=3, help="of each rate (default: 3)")
    joining.add_argument(
        "--documents", default="200", help="or 'abstracts', 'mixed' (default: 200)"
    )
    exact = commands.add_parser("exact", help="what exact products cost without VNNI")
    exact.add_argument("--documents", type=int, default=48, help="a round (default: 48)")
    exact.add_argument("--rounds", type=int, default=3, help="of each way (default: 3)")
    for command in (stall, joining, exact):
        command.add_argument(
            "bundle", type=Path, nargs="?", default=_BUNDLE, help="default: %(default)s"
        )
    for command in (cpu, steps):
        command.add_argument("--home", type=Path, default=_HOME, help="of models made for it")
    for command in (cpu, steps, stall, joining, exact):
        command.add_argument("--threads", type=int, default=0, help="0 takes all cores")
    return cpu, steps, stall, joining, exact


def _cpu(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.cpu.run import run_tour

    report, table = run_tour(
        TOURS[parsed.tour](),
        only=parsed.only,
        contenders=parsed.contenders,
        repeats=parsed.repeats,
        threads=parsed.threads or len(os.sched_getaffinity(0)),
        home=parsed.home,
        quality_data=parsed.quality_data if parsed.tour == "goals" and not parsed.only else (),
    )
    if parsed.plot:
        from benchmarks.cpu.plot import plot_tour

        plot_tour(report, parsed.plot)
    return report, table


def _steps(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.cpu.steps import StepSettings, bundles_to_compare, measure_steps, steps_table

    settings = StepSettings(
        rows=parsed.rows,
        tokens=parsed.tokens,
        source=parsed.source,
        cache=parsed.cache,
        rounds=parsed.rounds,
        threads=parsed.threads,
    )
    report = measure_steps(parsed.bundles or bundles_to_compare(parsed.home), settings)
    return report, steps_table(report)


def _stall(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.cpu.stall import StallSettings, measure_stall, stall_table

    settings = StallSettings(
        rows=parsed.rows,
        tokens=parsed.tokens,
        load=parsed.load,
        windows=parsed.windows,
        documents=parsed.documents,
        threads=parsed.threads,
    )
    report = measure_stall(parsed.bundle, settings)
    return report, stall_table(report)


def _joining(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.cpu.joining import JoiningSettings, joining_table, measure_joining

    settings = JoiningSettings(
        rates=parsed.rates,
        seconds=parsed.seconds,
        rounds=parsed.rounds,
        documents=parsed.documents,
        threads=parsed.threads,
    )
    report = measure_joining(parsed.bundle, settings)
    return report, joining_table(report)


def _exact(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from benchmarks.cpu.exact import ExactSettings, exact_table, measure_exact

    settings = ExactSettings(
        documents=parsed.documents, rounds=parsed.rounds, threads=parsed.threads
    )
    report = measure_exact(parsed.bundle, settings)
    return report, exact_table(report)


CPU_COMMANDS: dict[str, Callable[[argparse.Namespace], tuple[dict[str, Any], str]]] = {
    "cpu": _cpu,
    "steps": _steps,
    "stall": _stall,
    "joining": _joining,
    "exact": _exact,
}
