"""Writes reports and plots into a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from loadtest.measure.recorder import LATENCY
from loadtest.report import svg
from loadtest.report.comparison import Comparison, compare
from loadtest.report.comparison_page import comparison_markdown, comparison_page
from loadtest.report.plots.over_time import plot_over_time
from loadtest.report.plots.rates import (
    plot_latency_by_rate,
    plot_latency_of_runs,
    plot_throughput,
)
from loadtest.report.plots.tails import plot_tails
from loadtest.report.run_page import distributions_of, run_markdown, run_page
from loadtest.results import Run, write_run


def write_reports(run: Run, directory: Path) -> list[Path]:
    """Writes report.html, report.md and result.json, and names them in this order."""
    directory.mkdir(parents=True, exist_ok=True)
    page, words, data = (directory / name for name in ("report.html", "report.md", "result.json"))
    _write(page, run_page(run))
    _write(words, run_markdown(run))
    write_run(run, data)
    return [page, words, data]


def write_plots(plots: Sequence[tuple[str, Element | None]], directory: Path) -> list[Path]:
    """Writes each plot that there is as NAME.svg."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, plot in plots:
        if plot is not None:
            path = directory / f"{name}.svg"
            path.write_text(svg.standalone(plot), "utf-8")
            written.append(path)
    return written


def write_comparison(comparison: Comparison, directory: Path) -> list[Path]:
    """Writes comparison.html and comparison.md, and names them in this order."""
    directory.mkdir(parents=True, exist_ok=True)
    page, words = directory / "comparison.html", directory / "comparison.md"
    _write(page, comparison_page(comparison))
    _write(words, comparison_markdown(comparison))
    return [page, words]


def write_run_plots(runs: Mapping[str, Run], directory: Path) -> list[Path]:
    """Writes plots for documents: latency against rate, throughput, and the tail, as files.

    Of several runs each plot has a line a run; the tail is that of the last phase that all have.
    """
    if len(runs) > 1:
        return write_plots(_plots_of_several(runs), directory)
    (run,) = runs.values()
    plots = [
        ("latency-by-rate", plot_latency_by_rate(run)),
        ("throughput-by-rate", plot_throughput(run)),
        ("tail", plot_tails(distributions_of(run, LATENCY), "Latency by percentile", "latency")),
        ("over-time", plot_over_time(run.phases)),
    ]
    return write_plots(plots, directory)


def _plots_of_several(runs: Mapping[str, Run]) -> list[tuple[str, Element | None]]:
    comparison = compare(list(runs.values()), list(runs))
    heading = "p99 latency against offered rate"
    phases = {name: run.phases for name, run in runs.items()}
    plots = [("latency-by-rate", plot_latency_of_runs(phases, heading=heading))]
    if comparison.phases:
        phase = comparison.phases[-1]
        latencies = {name: distributions_of(run, LATENCY) for name, run in runs.items()}
        tails = {name: found[phase] for name, found in latencies.items() if phase in found}
        heading = f"Latency by percentile: {phase}"
        plots.append(("tail", plot_tails(tails, "Latency by percentile", "latency", heading)))
    return plots


def _write(path: Path, text: str) -> None:
    # A title of bytes that are no UTF-8 must not cost the report of a long run.
    path.write_text(text, "utf-8", errors="replace")
