"""What the load generator itself adds: beside a bare client, against a server that only echoes.

The server has one core, each generator in its turn the other.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.capacity import phase_figures
from benchmarks.serving.figures import Figures
from benchmarks.serving.h2load import H2Load
from benchmarks.serving.load import Load
from benchmarks.serving.processes import running
from benchmarks.serving.tools import ToolFailed, run_tool
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb

OURS, BARE, H2LOAD = "loadtest", "bare gRPC client", "h2load"


@dataclass(frozen=True)
class CostSettings:
    """How much is sent, and how often each takes its turn."""

    rate: float = 2000.0
    seconds: float = 10.0
    warm_up_s: float = 2.0
    rounds: int = 3


def measure_cost(documents: Path, folder: Path, settings: CostSettings) -> dict[str, Any]:
    """Takes turns; the cost is the median of what a round's p99 is above the bare client's."""
    server_core, generator_core = _two_cores()
    document = min(documents.glob("*.txt"))
    message = pb.SummarizeRequest(document=document.read_text("utf-8")).SerializeToString()
    in_all_s = settings.seconds + settings.warm_up_s

    def ours(port: int) -> Figures:
        phase = {
            "name": "steady",
            "rate": settings.rate,
            "arrivals": "constant",
            "seconds": in_all_s,
            "warm_up_s": settings.warm_up_s,
        }
        run = Load(documents, 0).run(port, folder / "cost", phases=[phase], core=generator_core)
        return phase_figures(run.phases[0])

    def bare(port: int) -> Figures:
        return _bare(port, settings, generator_core)

    def h2load(port: int) -> Figures:
        load = H2Load(settings.seconds, settings.warm_up_s, rate=settings.rate)
        return load.run(port, message, folder / "cost", core=generator_core)

    turns: dict[str, Callable[[int], Figures]] = {BARE: bare, OURS: ours, H2LOAD: h2load}
    found: dict[str, list[Figures]] = {name: [] for name in turns}
    absent: dict[str, str] = {}
    with running(lambda port: _echo(port, server_core)) as port:
        for _ in range(settings.rounds):
            for name, turn in turns.items():
                try:
                    found[name].append(_answered(turn(port)))
                except ToolFailed as error:
                    if name != H2LOAD:
                        raise
                    absent[name] = str(error)
    return {
        "settings": asdict(settings),
        "cores": {"server": server_core, "generator": generator_core},
        "rounds": {name: [asdict(figures) for figures in all_] for name, all_ in found.items()},
        "absent": absent,
        "adds_p50_ms": added_ms(found[OURS], found[BARE], "p50_ms"),
        "adds_p99_ms": added_ms(found[OURS], found[BARE], "p99_ms"),
    }


def added_ms(ours: list[Figures], bare: list[Figures], figure: str) -> float:
    """The median over the rounds of what the one is above the other; below 0 it is noise."""
    pairs = zip(ours, bare, strict=True)
    return statistics.median(getattr(one, figure) - getattr(other, figure) for one, other in pairs)


def _answered(figures: Figures) -> Figures:
    if figures.p50_ms is None:
        raise ToolFailed("the echo server answered no call well")
    return figures


def _bare(port: int, settings: CostSettings, core: int) -> Figures:
    command = ["taskset", "-c", str(core), sys.executable, "-m", "benchmarks.serving.bare_client"]
    command += map(str, (port, settings.rate, settings.seconds, settings.warm_up_s))
    told = run_tool(command, about_s=settings.seconds + settings.warm_up_s)
    return Figures(**json.loads(told))


def _echo(port: int, core: int) -> list[str]:
    serve = [sys.executable, "-m", "benchmarks.serving.echo_server", str(port)]
    return ["taskset", "-c", str(core), *serve]


def _two_cores() -> tuple[int, int]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise ToolFailed("the generator's cost takes two cores to measure, and here is one")
    return cores[0], cores[1]
