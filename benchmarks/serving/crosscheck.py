"""Whether k6 and h2load, which share no code with our generator, find the same.

One document again and again, so that all send the same and h2load can take part; in turns, on a
server that goes on running.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.serving.capacity import phase_figures
from benchmarks.serving.figures import Figures
from benchmarks.serving.h2load import H2Load
from benchmarks.serving.k6 import K6
from benchmarks.serving.load import Load
from benchmarks.serving.tools import ToolFailed
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb

OURS = "loadtest"
TOLERANCE = 0.05
COMPARED = ("throughput", "p50_ms", "p95_ms", "p99_ms")


@dataclass(frozen=True)
class Check:
    """One load that all generators make: at an even rate, or of users who wait."""

    name: str
    seconds: float
    users: int = 1
    rate: float | None = None


def cross_check(
    port: int,
    documents: Path,
    folder: Path,
    checks: Sequence[Check],
    *,
    k6: Callable[[], Path],
    rounds: int,
) -> list[dict[str, Any]]:
    """Each check with the median of each generator's rounds."""
    document = _one(documents, folder / "document")
    text = document.read_text("utf-8")
    message = pb.SummarizeRequest(document=text).SerializeToString()
    reports = []
    for check in checks:
        turns: dict[str, Callable[[], Figures]] = {
            OURS: lambda check=check: _ours(check, port, document.parent, folder),
            "k6": lambda check=check: K6(check.seconds, check.users, check.rate).run(
                k6(), port, document, folder
            ),
            "h2load": lambda check=check: H2Load(check.seconds, 0, check.users, check.rate).run(
                port, message, folder
            ),
        }
        found, absent = _take_turns(turns, rounds)
        medians = {name: median_of(figures) for name, figures in found.items() if figures}
        reports.append(
            {
                "check": asdict(check),
                "rounds": {name: list(map(asdict, figures)) for name, figures in found.items()},
                "absent": absent,
                "medians": medians,
                "differences": differences(medians, OURS),
            }
        )
    return reports


def median_of(rounds: Sequence[Figures]) -> dict[str, float]:
    """Each figure's median over the rounds."""
    return {name: statistics.median(getattr(one, name) for one in rounds) for name in COMPARED}


def differences(
    medians: Mapping[str, Mapping[str, float]], ours: str
) -> dict[str, dict[str, float]]:
    """How much more each of the others found, as a part of ours."""
    own = medians.get(ours)
    if own is None:
        return {}
    return {
        name: {figure: found[figure] / own[figure] - 1 for figure in COMPARED}
        for name, found in medians.items()
        if name != ours
    }


def _take_turns(
    turns: Mapping[str, Callable[[], Figures]], rounds: int
) -> tuple[dict[str, list[Figures]], dict[str, str]]:
    found: dict[str, list[Figures]] = {name: [] for name in turns}
    absent: dict[str, str] = {}
    for _ in range(rounds):
        for name, turn in turns.items():
            try:
                figures = turn()
            except ToolFailed as error:
                absent[name] = str(error)
                continue
            if figures.p50_ms is None:
                absent[name] = "no call ended well"
            else:
                found[name].append(figures)
    return found, absent


def _ours(check: Check, port: int, documents: Path, folder: Path) -> Figures:
    phase: dict[str, Any] = {"name": "same", "seconds": check.seconds}
    if check.rate is None:
        phase["users"] = check.users
    else:
        phase |= {"rate": check.rate, "arrivals": "constant"}
    run = Load(documents, 0).run(port, folder / "loadtest", phases=[phase])
    found = phase_figures(run.phases[0])
    if check.rate is None:
        return found
    # As of the others: what came by a rate came for so long, however late the last was answered.
    return replace(found, throughput=run.phases[0].ok / run.phases[0].seconds)


def _one(documents: Path, folder: Path) -> Path:
    """The first of the documents, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "document.txt"
    target.write_text(min(documents.glob("*.txt")).read_text("utf-8").strip(), "utf-8")
    return target
