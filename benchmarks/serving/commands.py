"""The command lines of `python -m benchmarks serving` and `overload`."""

import argparse
import os
from pathlib import Path
from typing import Any

_HOME = Path("build/serving")


def add_serving_command(commands: Any) -> argparse.ArgumentParser:
    """Describes it to argparse."""
    serving: argparse.ArgumentParser = commands.add_parser(
        "serving", help="servers under load: highest rate, latency below it, and the generator"
    )
    serving.add_argument(
        "--quick",
        action="store_true",
        help="minutes and rough, of three servers (default: half an hour)",
    )
    serving.add_argument(
        "--only", nargs="+", default=[], metavar="WORDS",
        help="servers whose name holds one of these, such as 'dynamic' (default: all)",
    )  # fmt: skip
    serving.add_argument(
        "--parts", nargs="+", default=[], choices=("contenders", "generator", "crosscheck"),
        help="measure these alone (default: all)",
    )  # fmt: skip
    serving.add_argument(
        "--time-factor", type=float, default=1.0, metavar="X", help="longer or shorter loads (1)"
    )
    serving.add_argument(
        "--fresh", action="store_true", help="measure again what an earlier run has found"
    )
    serving.add_argument("--home", type=Path, default=_HOME, help="of results (%(default)s)")
    serving.add_argument("--threads", type=int, default=0, help="of a server; 0 takes all cores")
    return serving


def run_serving_command(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Carries it out."""
    from benchmarks.serving.run import make_settings, run_serving

    return run_serving(
        make_settings(
            quick=parsed.quick,
            home=parsed.home,
            threads=parsed.threads or len(os.sched_getaffinity(0)),
            only=parsed.only,
            parts=parsed.parts,
            time_factor=parsed.time_factor,
            resumes=not parsed.fresh,
        )
    )


def add_overload_command(commands: Any) -> argparse.ArgumentParser:
    """Describes it to argparse."""
    overload: argparse.ArgumentParser = commands.add_parser(
        "overload", help="twice and four times what the server can do, by deadline"
    )
    overload.add_argument(
        "--seconds", type=float, default=135.0, help="of each load, 15 to warm up (default: 135)"
    )
    overload.add_argument(
        "--home", type=Path, default=Path("build/overload"), help="of results (%(default)s)"
    )
    overload.add_argument("--threads", type=int, default=0, help="of a server; 0 takes all cores")
    return overload


def run_overload_command(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Carries it out."""
    from benchmarks.serving.overload import Setting, measure_overload, overload_table

    threads = parsed.threads or len(os.sched_getaffinity(0))
    report = measure_overload(Setting(parsed.bundle, parsed.home, parsed.seconds, threads))
    return report, overload_table(report)
