"""The commands that read results: `report`, `compare` and `plots`.

Each parser sets `command`, a function of the parsed arguments that gives the exit code.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loadtest.report.cautions import disturbances
from loadtest.report.comparison import CannotCompare, compare
from loadtest.report.files import write_comparison, write_reports, write_run_plots
from loadtest.results import Run, read_run

USAGE_ERROR = 2


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the commands to a parser's own."""
    report = subparsers.add_parser("report", help="write a run's reports again, from its result")
    report.add_argument("result", type=Path, metavar="RESULT.json")
    _add_output(report, "beside the result")
    report.set_defaults(command=_report)

    comparing = subparsers.add_parser("compare", help="show two or more runs side by side")
    comparing.add_argument("results", type=Path, nargs="+", metavar="RESULT.json")
    _add_names(comparing)
    _add_output(comparing, "build/loadtest/comparison")
    comparing.set_defaults(command=_compare)

    plots = subparsers.add_parser("plots", help="write a run's plots, or those of several, as SVG")
    plots.add_argument("results", type=Path, nargs="+", metavar="RESULT.json")
    _add_names(plots)
    _add_output(plots, "beside the first result")
    plots.set_defaults(command=_plots)


def _add_output(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help=f"where to write (default: {default})"
    )


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        dest="names",
        metavar="NAME",
        help="what to call a run, once for each in their order (default: its title)",
    )


def _report(arguments: argparse.Namespace) -> int:
    def write() -> list[Path]:
        path: Path = arguments.result
        return write_reports(read_run(path), arguments.output or path.parent)

    return _answer(write)


def _compare(arguments: argparse.Namespace) -> int:
    def write() -> list[Path]:
        runs = _read(arguments.results, arguments.names)
        comparison = compare(list(runs.values()), list(runs))
        for name, run in runs.items():
            for sentence in disturbances(run.phases):
                print(f"note: {name}: {sentence}", file=sys.stderr)
        return write_comparison(
            comparison, arguments.output or Path("build", "loadtest", "comparison")
        )

    return _answer(write)


def _plots(arguments: argparse.Namespace) -> int:
    def write() -> list[Path]:
        runs = _read(arguments.results, arguments.names)
        return write_run_plots(runs, arguments.output or arguments.results[0].parent)

    return _answer(write)


def _read(paths: Sequence[Path], names: Sequence[str]) -> dict[str, Run]:
    """Reads results by the names that tell them apart: the given ones, titles, or paths."""
    if names and len(names) != len(paths):
        raise CannotCompare(f"{len(names)} names for {len(paths)} results: give each one, or none")
    runs = [read_run(path) for path in paths]
    for candidates in (names, [run.title for run in runs], [str(path) for path in paths]):
        if candidates and len(set(candidates)) == len(runs):
            return dict(zip(candidates, runs, strict=True))
    raise CannotCompare("one result or one name is given twice")


def _answer(write: Callable[[], list[Path]]) -> int:
    try:
        written = write()
    except (OSError, ValueError) as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return USAGE_ERROR
    print(*written, sep="\n")
    return 0
