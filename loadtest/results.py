"""What a run found, as plain data: written by the run, read by reports, comparisons and gates.

Times are seconds of the run's own clock unless a name says otherwise; durations that people read
are milliseconds.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT_VERSION = 1
WHOLE = "whole request"
"""Names, among the stages of a server, the time from a request's arrival to its end."""

_PAIR = re.compile(r"\[\n\s*([-+.\deE]+),\n\s*([-+.\deE]+)\n\s*\]")
"""Two numbers that `json` puts on four lines; no string has a line break of its own."""


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Exact to three significant digits (an HDR histogram), without a sample lost."""

    unit: str  # "ms", or "tokens/s"
    count: int
    mean: float
    least: float
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float
    greatest: float
    # The whole histogram, as (highest value of the bin, how many), ascending: for plots and merges.
    bins: tuple[tuple[float, int], ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """What happened in one stretch of a phase."""

    start_s: float
    seconds: float
    offered: int  # arrivals that were due
    ok: int
    failed: int
    dropped: int  # arrivals that nobody was free to send
    p50_ms: float | None  # of latency, from the intended start; None where nothing ended well
    p95_ms: float | None
    p99_ms: float | None
    summary_tokens: int  # of the calls that finished
    # Calls that ended well in this stretch, whenever they were due; all other counts of calls, and
    # the percentiles, go by when calls were due.
    finished: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    greatest_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class ProcessorUse:
    """Who used the processor of the generator's machine during a phase, as shares of all cores."""

    ours: float  # the load test, and the server if it runs on this machine
    # All other processes, at least: a server of which we cannot tell whether it runs on this
    # machine is taken for one that does. None where the server does not tell its use.
    others: float | None
    stolen: float  # by the hypervisor, for other virtual machines


@dataclass(frozen=True, kw_only=True)
class ServerSide:
    """Where the time went by the server's own metrics: differences over the phase."""

    # Mean milliseconds of a request by stage: "queue", "encode", "decode", ... and WHOLE.
    stages_ms: Mapping[str, float]
    # Other figures worth a line: rows of a step, tokens a step, fall-backs, ...
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One load, held or changed as its scenario says."""

    name: str
    model: str  # "open" or "closed"
    # Arrivals a second for an open phase, users for a closed one; None where it changes.
    level: float | None
    warm_up_s: float  # left out of everything below
    seconds: float
    offered: int
    ok: int
    dropped: int
    refused: int = 0  # calls that ended in a refusal that said when to come again
    # How calls ended, by gRPC status code: "OK", "RESOURCE_EXHAUSTED", ...
    statuses: Mapping[str, int]
    # "latency" (from the intended start), "service" (from the sending), "first delta",
    # "between deltas", "tokens/s", "send lag" (how late the generator itself was); and, with a
    # "/class" behind them, the same of one class of calls, such as "latency/SummarizeStream".
    distributions: Mapping[str, Distribution]
    windows: tuple[Window, ...]
    # Whether the last three windows lay within 10 % of one another in rate and latency.
    is_stable: bool
    throughput: float  # calls that ended well, a second
    summary_tokens_per_s: float
    retries: int = 0
    pushbacks: int = 0  # refusals that said when to come again
    server: ServerSide | None = None
    processor: ProcessorUse | None = None  # where the system tells
    judged: bool = True  # False where the scenario says so, for a deliberate overload
    # 95 % confidence intervals over repeats of the phase, such as {"p99_ms": (410.0, 455.0)}.
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One gate of the scenario."""

    gate: str  # as the scenario says it: "p99_ms <= 1000"
    phase: str
    found: float | None
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that a report is made of."""

    format_version: int = FORMAT_VERSION
    title: str
    scenario: str
    started_at: str  # ISO 8601, UTC
    target: str
    complete: bool  # False if it was interrupted
    phases: tuple[Phase, ...]
    verdicts: tuple[Verdict, ...] = ()
    # For a search: the highest rate that kept the gates.
    highest_rate: float | None = None
    # Versions, commit, machine, threads, model, seed, arrival model: what it takes to repeat it.
    recipe: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def write_run(run: Run, path: Path) -> None:
    """Writes a run as JSON, the bins of a histogram on one line."""
    words = json.dumps(asdict(run), indent=1, ensure_ascii=False)
    path.write_text(_PAIR.sub(r"[\1, \2]", words) + "\n", "utf-8", errors="replace")


def read_run(path: Path) -> Run:
    """Reads what `write_run` wrote; ValueError names the file and what is wrong."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data.get("format_version") != FORMAT_VERSION:
            found = data.get("format_version")
            raise ValueError(f"format_version is {found!r}, this reads {FORMAT_VERSION}")
        data["phases"] = tuple(_phase(phase) for phase in data["phases"])
        data["verdicts"] = tuple(Verdict(**verdict) for verdict in data["verdicts"])
        data["notes"] = tuple(data["notes"])
        return Run(**data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a run's result: {error}") from error


def _phase(data: dict[str, Any]) -> Phase:
    distributions = {
        name: Distribution(**one | {"bins": tuple(map(tuple, one["bins"]))})
        for name, one in data["distributions"].items()
    }
    server = data["server"] and ServerSide(**data["server"])
    processor = data.get("processor") and ProcessorUse(**data["processor"])
    intervals = {name: tuple(pair) for name, pair in data["intervals"].items()}
    windows = tuple(Window(**window) for window in data["windows"])
    return Phase(
        **data
        | {
            "distributions": distributions,
            "windows": windows,
            "server": server,
            "processor": processor,
            "intervals": intervals,
        }
    )
