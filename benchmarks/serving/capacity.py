"""How much one server takes: alone with one caller, full, and the rates between."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.figures import Figures
from benchmarks.serving.load import Load, LoadFailed
from loadtest.results import Phase, Run

P99_MS = 1000.0
SHARES = (0.5, 0.7, 0.9)
_USERS_OF_FULL = 16
# From what a full server does: where the search begins, and where it ends.
_LOWEST, _HIGHEST, _LOWER = 1 / 4, 1.1, 1 / 8
_CALLS_OF_A_PROBE, _LONGEST_PROBE_S = 8, 30.0


@dataclass(frozen=True)
class Durations:
    """Seconds of each kind of phase, their warm-up counted; a slow server is given more."""

    warm_up: float = 2.0
    unloaded: float = 8.0
    full: float = 10.0
    probe: float = 12.0
    share: float = 18.0
    # Where the search stops, as a part of the rate.
    precision: float = 0.1

    def scaled(self, factor: float) -> "Durations":
        """All but the warm-up longer or shorter."""
        return Durations(
            self.warm_up,
            *(factor * seconds for seconds in (self.unloaded, self.full, self.probe, self.share)),
            precision=self.precision,
        )


QUICK = Durations(1.0, 4.0, 5.0, 5.0, 6.0, precision=0.3)


def measure_capacity(
    port: int, documents: Path, folder: Path, durations: Durations, seed: int
) -> dict[str, Any]:
    """Figures of one server: unloaded, full, its highest rate, and at parts of that."""
    slo = {"p99_ms": P99_MS, "error_rate": 0.0, "dropped_rate": 0.0}
    alone = Load(documents, seed).run(
        port,
        folder / "unloaded",
        phases=[_closed("unloaded", 1, durations.unloaded, durations.warm_up)],
    )
    unloaded = _phase(alone, "unloaded")
    full_s = full_seconds(durations, unloaded.distributions["latency"].p50 / 1000)
    crowd = Load(documents, seed).run(
        port,
        folder / "full",
        phases=[_closed("full", _USERS_OF_FULL, full_s, durations.warm_up)],
    )
    full = _phase(crowd, "full")
    if not full.throughput:
        raise LoadFailed(f"{_USERS_OF_FULL} users had no answer within {full_s:.0f} s")
    searched = _search(
        Load(documents, seed, slo), port, folder, durations, full.throughput, _LOWEST
    )
    return {
        "unloaded": asdict(phase_figures(unloaded)),
        "full": asdict(phase_figures(full)) | {"users": _USERS_OF_FULL},
        "highest_rate": searched.highest_rate,
        "shares": _shares(searched),
        "probes": [
            {"rate": phase.level} | asdict(phase_figures(phase))
            for phase in searched.phases
            if phase.name.startswith("probe")
        ],
        # Of the same work the same number, whoever does it.
        "tokens_a_summary": full.summary_tokens_per_s / (full.throughput or 1.0),
        "model": alone.recipe.get("model", ""),
    }


def _search(
    load: Load, port: int, folder: Path, durations: Durations, full: float, lowest: float
) -> Run:
    """Searches again far below where even the lowest rate breaks the gates."""
    probe_s = probe_seconds(durations, lowest * full)
    searched = load.run(
        port,
        folder / "search",
        search={
            "lowest": _rounded(lowest * full),
            "highest": _rounded(_HIGHEST * full),
            "precision": durations.precision,
            "seconds": probe_s,
            "warm_up_s": durations.warm_up,
            "then": list(SHARES),
            "then_seconds": max(probe_s, durations.share),
            # Several servers are to be searched within the hour: what is found is confirmed anyhow.
            "least_calls": _CALLS_OF_A_PROBE,
            "attempts": 1,
        },
    )
    if searched.highest_rate is None and lowest > _LOWER:
        return _search(load, port, folder, durations, full, _LOWER)
    return searched


def full_seconds(durations: Durations, unloaded_s: float) -> float:
    """Long enough that everybody asks twice, even of a server that takes one at a time."""
    return durations.warm_up + max(durations.full, 2 * _USERS_OF_FULL * unloaded_s)


def probe_seconds(durations: Durations, lowest_rate: float) -> float:
    """Long enough for some calls at the lowest rate, unless that would take for ever."""
    wanted_s = durations.warm_up + _CALLS_OF_A_PROBE / lowest_rate
    return min(max(durations.probe, wanted_s), max(durations.probe, _LONGEST_PROBE_S))


def phase_figures(phase: Phase) -> Figures:
    """What is compared of a phase."""
    latency = phase.distributions.get("latency")
    return Figures(
        calls=sum(phase.statuses.values()),
        failed=sum(phase.statuses.values()) - phase.ok + phase.dropped,
        throughput=phase.throughput,
        p50_ms=latency and latency.p50,
        p95_ms=latency and latency.p95,
        p99_ms=latency and latency.p99,
    )


def _phase(run: Run, name: str) -> Phase:
    """By how its name begins; one of which nothing is known is left out of a result."""
    found = next((phase for phase in run.phases if phase.name.startswith(name)), None)
    if found is None or "latency" not in found.distributions:
        raise LoadFailed(
            f"no call of {name!r} began after its warm-up: take a longer --time-factor"
        )
    return found


def _shares(searched: Run) -> list[dict[str, Any]]:
    if searched.highest_rate is None:
        return []
    loads = [(share, _phase(searched, f"{100 * share:g} % of")) for share in SHARES]
    return [
        {"share": share, "rate": phase.level} | asdict(phase_figures(phase))
        for share, phase in loads
    ]


def _closed(name: str, users: int, seconds: float, warm_up_s: float) -> dict[str, Any]:
    return {"name": name, "users": users, "seconds": seconds, "warm_up_s": warm_up_s}


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")
