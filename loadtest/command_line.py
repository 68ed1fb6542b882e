"""The command line: run a scenario, watch it in Locust's page, read and compare results."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest.exits import MEANINGS, Exit, LoadTestError
from loadtest.options import add_plan_options, add_worker_options, make_output, make_plan
from loadtest.report.commands import add_commands
from loadtest.scenario_files import list_scenarios


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command and gives the exit code."""
    options = _make_parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except LoadTestError as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return int(error.code)
    except KeyboardInterrupt:
        print("loadtest: interrupted before anything was measured", file=sys.stderr)
        return int(Exit.INTERRUPTED)


def _make_parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code:3}  {meaning}" for code, meaning in MEANINGS.items())
    parser = argparse.ArgumentParser(
        prog="python -m loadtest",
        description="Puts load on a running server and measures what its callers feel.",
        epilog=f"exit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run a scenario, write its report, check its gates")
    add_plan_options(run)
    run.set_defaults(command=_run)
    web = commands.add_parser("web", help="serve Locust's page, whose Start runs a scenario")
    add_plan_options(web)
    web.add_argument("--web-host", default="127.0.0.1", help="address of the page (127.0.0.1)")
    web.add_argument("--web-port", type=int, default=8089, help="port of the page (8089)")
    web.set_defaults(command=_web)
    worker = commands.add_parser("worker", help="make load for a `run` or `web` elsewhere")
    add_worker_options(worker)
    worker.set_defaults(command=_work)
    scenarios = commands.add_parser("scenarios", help="list the scenarios")
    scenarios.set_defaults(command=_list_scenarios)
    tour = commands.add_parser(
        "tour", help="start a server of its own and show in about a minute what all this is"
    )
    tour.add_argument("--output", type=Path, metavar="DIR", help="where results are written")
    tour.set_defaults(command=_tour)
    echo = commands.add_parser(
        "echo", help="serve answers that cost nothing, to learn what the load generator costs"
    )
    echo.add_argument("--listen", default="127.0.0.1:50060", metavar="HOST:PORT")
    echo.set_defaults(command=_echo)
    add_commands(commands)
    return parser


# Locust changes the standard library as it is imported; what needs no Locust is spared that, and
# what is wrong is told at once.


def _run(options: argparse.Namespace) -> int:
    plan, folder = make_plan(options), make_output(options)
    from loadtest.fleet.commands import run

    return run(options, plan, folder)


def _web(options: argparse.Namespace) -> int:
    plan, folder = make_plan(options), make_output(options)
    from loadtest.fleet.commands import serve_page

    return serve_page(options, plan, folder)


def _work(options: argparse.Namespace) -> int:
    from loadtest.fleet.commands import work

    return work(options)


def _tour(options: argparse.Namespace) -> int:
    from loadtest.tour import take_tour

    return take_tour(main, options.output)


def _echo(options: argparse.Namespace) -> int:
    from loadtest.engine.echo_server import serve

    try:
        serve(options.listen)
    except OSError as error:
        raise LoadTestError(Exit.USAGE, f"--listen: {error}") from None
    return int(Exit.PASSED)


def _list_scenarios(options: argparse.Namespace) -> int:
    for name, description in list_scenarios():
        print(f"{name:12} {description}")
    return int(Exit.PASSED)
