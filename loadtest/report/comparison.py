"""Two or more runs side by side: what the same phase came to in each, and whether that differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtest.measure.figures import failed_rate, refused_rate, served_share, shown_ms
from loadtest.report.knee import open_phases
from loadtest.results import Phase, Run

DURATIONS_COMPARED = ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "p999_ms")
STREAMING_COMPARED = ("first_delta_p50_ms", "first_delta_p95_ms", "between_deltas_p99_ms")


class CannotCompare(ValueError):
    """Runs that have nothing in common to compare; the message is one line."""


@dataclass(frozen=True)
class Cell:
    """One figure of one run, beside that of the first."""

    value: float | None
    ratio: float | None  # to the first run; None of the first, and where either has nothing
    # Whether the confidence intervals of the two overlap; None where either phase was not repeated.
    overlaps: bool | None


@dataclass(frozen=True)
class Line:
    """One figure of one phase over all runs."""

    phase: str
    figure: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that a comparison is shown by; names, runs and cells are in one order."""

    names: tuple[str, ...]
    runs: tuple[Run, ...]
    phases: tuple[str, ...]  # that all runs have
    left_out: Mapping[str, tuple[str, ...]]  # by run, the phases that not all have
    lines: tuple[Line, ...]
    # What the recipes differ in, by key; None where a run does not say.
    differences: Mapping[str, tuple[str | None, ...]]
    loads_differ: tuple[str, ...]  # phases of one name that put on different loads


def compare(runs: Sequence[Run], names: Sequence[str] | None = None) -> Comparison:
    """Matches phases by name, and holds each figure against that of the first run.

    Runs that share no phase, as searches for the highest rate may not, must at least have rates.
    """
    if len(runs) < 2:
        raise CannotCompare(f"a comparison needs at least two runs, not {len(runs)}")
    titles = _tell_apart([run.title for run in runs] if names is None else names)
    by_name = [_phases_by_name(run, title) for run, title in zip(runs, titles, strict=True)]
    common = [name for name in by_name[0] if all(name in others for others in by_name)]
    if not common and not all(open_phases(run.phases) for run in runs):
        listed = "; ".join(
            f"{title}: {', '.join(phases) or 'none'}"
            for title, phases in zip(titles, by_name, strict=True)
        )
        raise CannotCompare(f"the runs have neither phases in common nor rates ({listed})")
    return Comparison(
        names=tuple(titles),
        runs=tuple(runs),
        phases=tuple(common),
        left_out={
            title: tuple(name for name in phases if name not in common)
            for title, phases in zip(titles, by_name, strict=True)
            if len(phases) > len(common)
        },
        lines=tuple(
            line for name in common for line in _lines(name, [phases[name] for phases in by_name])
        ),
        differences=_differences(runs),
        loads_differ=tuple(
            name
            for name in common
            if len({(phases[name].model, phases[name].level) for phases in by_name}) > 1
        ),
    )


def _phases_by_name(run: Run, title: str) -> dict[str, Phase]:
    phases = {phase.name: phase for phase in run.phases}
    if len(phases) < len(run.phases):
        names = [phase.name for phase in run.phases]
        twice = next(name for name in names if names.count(name) > 1)
        raise CannotCompare(f"{title} has several phases of the name {twice!r}")
    return phases


def _tell_apart(titles: Sequence[str]) -> list[str]:
    return [
        title if titles.count(title) == 1 else f"{title} ({number})"
        for number, title in enumerate(titles, 1)
    ]


def _lines(name: str, phases: Sequence[Phase]) -> list[Line]:
    figures: dict[str, list[float | None]] = {
        "throughput": [phase.throughput for phase in phases],
        "summary_tokens_per_s": [phase.summary_tokens_per_s for phase in phases],
        "served_share": [served_share(phase) for phase in phases],
        "refused_rate": [refused_rate(phase) for phase in phases],
        "failed_rate": [failed_rate(phase) for phase in phases],
    }
    for duration in DURATIONS_COMPARED + STREAMING_COMPARED:
        figures[duration] = [shown_ms(phase, duration) for phase in phases]
    return [
        Line(name, figure, tuple(_cells(figure, values, phases)))
        for figure, values in figures.items()
        if any(value is not None for value in values)
    ]


def _cells(figure: str, values: list[float | None], phases: Sequence[Phase]) -> list[Cell]:
    first = values[0]
    reference = phases[0].intervals.get(figure)
    cells = [Cell(first, None, None)]
    for value, phase in zip(values[1:], phases[1:], strict=True):
        ratio = value / first if value is not None and first else None
        interval = phase.intervals.get(figure)
        overlaps = None
        if reference is not None and interval is not None:
            overlaps = interval[0] <= reference[1] and reference[0] <= interval[1]
        cells.append(Cell(value, ratio, overlaps))
    return cells


def _differences(runs: Sequence[Run]) -> dict[str, tuple[str | None, ...]]:
    told = [{"scenario": run.scenario, "target": run.target, **run.recipe} for run in runs]
    keys = list(dict.fromkeys(key for recipe in told for key in recipe))
    rows = {key: tuple(recipe.get(key) for recipe in told) for key in keys}
    return {key: row for key, row in rows.items() if len(set(row)) > 1}
