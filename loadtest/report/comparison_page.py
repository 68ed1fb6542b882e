"""A comparison as a page and as Markdown."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from loadtest.measure.recorder import FIRST_DELTA, LATENCY
from loadtest.report.cautions import cautions
from loadtest.report.comparison import Cell, Comparison, Line
from loadtest.report.numbers import NONE, count, figure, percent
from loadtest.report.plots.rates import plot_latency_of_runs
from loadtest.report.plots.tails import plot_tails
from loadtest.report.rows import Table
from loadtest.report.templating import drawing, fill, style
from loadtest.results import Distribution, Phase

_SHARES = {"served_share": "served", "refused_rate": "refused", "failed_rate": "failed"}


def comparison_page(comparison: Comparison) -> str:
    """Draws a comparison as a page that needs nothing but itself."""
    runs = {name: run.phases for name, run in zip(comparison.names, comparison.runs, strict=True)}
    return fill(
        "comparison.html",
        **_words(comparison),
        style=style(),
        latency_by_rate=drawing(plot_latency_of_runs(runs)),
        tails=_tails(comparison, LATENCY, "latency"),
        first_deltas=_tails(comparison, FIRST_DELTA, "first delta"),
    )


def comparison_markdown(comparison: Comparison) -> str:
    """Writes a comparison's tables for a README or a pull request."""
    return fill("comparison.md", **_words(comparison))


def _words(comparison: Comparison) -> dict[str, object]:
    return {
        "title": " against ".join(comparison.names),
        "names": comparison.names,
        "left_out": [
            f"{name}: {', '.join(phases)}" for name, phases in comparison.left_out.items()
        ],
        "loads_differ": ", ".join(comparison.loads_differ),
        "cautions": list(_cautions(comparison)),
        "highest_rates": _highest_rates(comparison),
        "differences": Table(
            ("what", *comparison.names),
            [
                (key, *(NONE if value is None else value for value in row))
                for key, row in comparison.differences.items()
            ],
        ),
        "phases": [(name, _phase_table(comparison, name)) for name in comparison.phases],
        "statuses": _status_table(comparison),
        "server": _server_table(comparison),
    }


def _cautions(comparison: Comparison) -> Iterator[str]:
    """Gives the sentences of each run, and one that holds for all of them once."""
    told = [cautions(run) for run in comparison.runs]
    shared = [sentence for sentence in told[0] if all(sentence in others for others in told)]
    yield from shared
    for name, sentences in zip(comparison.names, told, strict=True):
        yield from (f"{name}: {sentence}" for sentence in sentences if sentence not in shared)


def _phase_table(comparison: Comparison, name: str) -> Table:
    lines = [line for line in comparison.lines if line.phase == name]
    return Table(("figure", *comparison.names), [_row(line) for line in lines])


def _row(line: Line) -> Sequence[str]:
    write = percent if line.figure in _SHARES else figure
    cells = (" ".join(filter(None, (write(one.value), _beside(one)))) for one in line.cells)
    return _name(line.figure), *cells


def _name(figure_name: str) -> str:
    known = {
        "throughput": "served/s",
        "summary_tokens_per_s": "summary tokens/s",
        **_SHARES,
        "p999_ms": "p99.9 ms",
    }
    return known.get(figure_name, figure_name.replace("_", " "))


def _beside(cell: Cell) -> str:
    if cell.ratio is None:
        return ""
    words = {None: "", True: ", intervals overlap", False: ", intervals apart"}
    return f"(×{figure(cell.ratio)}{words[cell.overlaps]})"  # noqa: RUF001


def _highest_rates(comparison: Comparison) -> Table:
    found = [run.highest_rate for run in comparison.runs]
    if all(rate is None for rate in found):
        return Table((), ())
    first = found[0]
    cells = [
        Cell(rate, rate / first if rate is not None and first and at else None, None)
        for at, rate in enumerate(found)
    ]
    row = (" ".join(filter(None, (figure(one.value), _beside(one)))) for one in cells)
    return Table(("", *comparison.names), [("calls/s", *row)])


def _status_table(comparison: Comparison) -> Table:
    pairs = [(name, _matching(comparison, name)) for name in comparison.phases]
    rows = []
    for name, phases in pairs:
        statuses = sorted({status for phase in phases for status in phase.statuses})
        if statuses == ["OK"]:
            continue
        for status in statuses:
            counts = (count(phase.statuses.get(status, 0)) for phase in phases)
            rows.append((f"{name}, {status}", *counts))
    return Table(("how calls ended", *comparison.names), rows)


def _server_table(comparison: Comparison) -> Table:
    rows = []
    for name in comparison.phases:
        servers = [phase.server for phase in _matching(comparison, name)]
        told = [server.stages_ms if server else {} for server in servers]
        stages = dict.fromkeys(stage for stages in told for stage in stages)
        for stage in stages:
            values = (figure(one.get(stage)) for one in told)
            rows.append((f"{name}, {stage} ms", *values))
    return Table(("mean of a request", *comparison.names), rows)


def _matching(comparison: Comparison, name: str) -> list[Phase]:
    return [next(phase for phase in run.phases if phase.name == name) for run in comparison.runs]


def _tails(comparison: Comparison, what: str, words: str) -> list[Markup | None]:
    plots: list[Markup | None] = []
    for name in comparison.phases:
        phases = zip(comparison.names, _matching(comparison, name), strict=True)
        found: dict[str, Distribution] = {
            title: phase.distributions[what]
            for title, phase in phases
            if what in phase.distributions
        }
        plots.append(drawing(plot_tails(found, f"{name}: {words}", words, heading=name)))
    return [plot for plot in plots if plot]
