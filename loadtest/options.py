"""The options of commands that make load, and the plan that they come to."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

from pydantic import ValidationError

from loadtest.conduct.plan import Plan
from loadtest.corpus import choose_documents
from loadtest.exits import Exit, LoadTestError
from loadtest.orders import Target
from loadtest.scenario_files import read_scenario

_METRICS_PORT = 9090
WORKERS_PORT = 5557


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `run` and `web` need to know."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a name (see `scenarios`) or a file")
    parser.add_argument("--title", help="title of the report (default: the scenario's name)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where results are written (default: build/loadtest/TIME-SCENARIO)",
    )
    _add_target_options(parser.add_argument_group("target"))
    _add_scenario_options(parser.add_argument_group("changes of the scenario"))
    processes = parser.add_argument_group("processes").add_mutually_exclusive_group()
    processes.add_argument(
        "--processes",
        type=_positive,
        default=1,
        metavar="N",
        help="share the load among so many processes of this machine (1)",
    )
    processes.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="share it among so many `loadtest worker`s, which come by themselves",
    )
    parser.add_argument(
        "--workers-port",
        type=int,
        default=WORKERS_PORT,
        metavar="PORT",
        help=f"port that workers come to ({WORKERS_PORT})",
    )


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    """Adds what a worker needs to know; the rest it is told by its master."""
    parser.add_argument(
        "--master",
        default=f"127.0.0.1:{WORKERS_PORT}",
        metavar="HOST:PORT",
        help=f"the process that conducts (127.0.0.1:{WORKERS_PORT})",
    )


def make_plan(options: argparse.Namespace) -> Plan:
    """Reads the scenario and puts together what is to be done."""
    changes = list(options.set)
    if options.seed is not None:
        changes.append(f"seed={options.seed}")
    if options.repeats is not None:
        changes.append(f"repeats={options.repeats}")
    scenario = read_scenario(options.scenario, changes, options.time_factor, options.rate_factor)
    for entry in scenario.mix:
        choose_documents(entry.corpus or scenario.corpus)  # or it is told now that there is none
    name = Path(options.scenario).stem
    return Plan(
        name=name,
        title=options.title or name,
        scenario=scenario,
        target=_make_target(options),
        metrics_url=_metrics_url(options),
        notes=dict(options.note),
    )


def make_output(options: argparse.Namespace) -> Path:
    """Makes the folder for the results."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = f"{moment}-{Path(options.scenario).stem}"
    return make_folder(options.output or Path("build", "loadtest", name))


def make_folder(folder: Path) -> Path:
    """Makes a folder that can be written to; LoadTestError if there cannot be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()  # or a long run would be for nothing
    except OSError as error:
        message = f"--output {folder} cannot be written to: {error.strerror}"
        raise LoadTestError(Exit.USAGE, message) from None
    return folder


def _add_target_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--target",
        default="localhost:50051",
        metavar="HOST:PORT",
        help="the server (localhost:50051)",
    )
    group.add_argument("--tls", action="store_true", help="encrypt; --ca and --cert imply it")
    group.add_argument("--ca", type=Path, metavar="PEM", help="certificates to trust")
    group.add_argument("--cert", type=Path, metavar="PEM", help="a certificate of our own")
    group.add_argument("--key", type=Path, metavar="PEM", help="and its key")
    group.add_argument(
        "--server-name", metavar="NAME", help="name in the server's certificate, if not the host"
    )
    group.add_argument(
        "--metadata",
        type=_pair,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="sent with every call, such as authorization='Bearer ...'; may be said again",
    )
    group.add_argument(
        "--connections",
        type=int,
        default=4,
        metavar="N",
        help="connections of each process, taken in turn; 0 is one for each user (4)",
    )
    group.add_argument(
        "--caller",
        metavar="MODULE:CLASS",
        help="speaks another protocol, see loadtest/README.md",
    )
    group.add_argument(
        "--metrics-url",
        metavar="URL",
        help=f"the server's metrics (http://HOST:{_METRICS_PORT}/metrics if there is one);"
        " none to read none",
    )


def _add_scenario_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="such as slo.p99_ms=500 or phases.0.rate=20; may be said again",
    )
    group.add_argument(
        "--rate-factor", type=_factor, default=1.0, metavar="X", help="multiplies all rates (1)"
    )
    group.add_argument(
        "--time-factor", type=_factor, default=1.0, metavar="X", help="multiplies all times (1)"
    )
    group.add_argument("--seed", type=int, metavar="N", help="of arrivals and documents (0)")
    group.add_argument("--repeats", type=_positive, metavar="N", help="runs of each phase")
    group.add_argument(
        "--note",
        type=_pair,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a line for the report's recipe, such as server=2-threads; may be said again",
    )


def _make_target(options: argparse.Namespace) -> Target:
    if (options.cert is None) != (options.key is None):
        raise LoadTestError(Exit.USAGE, "--cert and --key go together")
    for name in ("ca", "cert", "key"):
        path = getattr(options, name)
        if path is not None and not path.is_file():
            raise LoadTestError(Exit.TLS, f"--{name} {path}: no such file")
    if ":" not in options.target:
        raise LoadTestError(Exit.USAGE, f"--target {options.target}: not of the form HOST:PORT")
    values = {
        "address": options.target.removeprefix("http://").removesuffix("/"),
        "tls": bool(options.tls or options.ca or options.cert),
        "ca": options.ca and options.ca.resolve(),
        "cert": options.cert and options.cert.resolve(),
        "key": options.key and options.key.resolve(),
        "server_name": options.server_name,
        "metadata": tuple((key.lower(), value) for key, value in options.metadata),
        "connections": options.connections,
    }
    if options.caller:
        values["caller"] = options.caller
    try:
        return Target(**values)
    except ValidationError as error:
        first = error.errors()[0]
        message = f"--{first['loc'][0]}: {first['msg']}, not {first['input']!r}"
        raise LoadTestError(Exit.USAGE, message) from None


def _metrics_url(options: argparse.Namespace) -> str | None:
    if options.metrics_url is not None:
        return None if options.metrics_url == "none" else str(options.metrics_url)
    host, colon, _ = options.target.rpartition(":")
    return f"http://{host}:{_METRICS_PORT}/metrics" if colon and "/" not in host else None


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    return key, value


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _factor(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and a million")
    return number
