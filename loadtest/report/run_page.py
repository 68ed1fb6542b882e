"""One run as a page and as Markdown."""

from loadtest.measure.recorder import FIRST_DELTA, LATENCY
from loadtest.report import rows
from loadtest.report.cautions import cautions
from loadtest.report.headline import headline, how_it_went, unjudged_phases
from loadtest.report.knee import knee_words
from loadtest.report.numbers import NONE, figure
from loadtest.report.plots.histogram import plot_histogram
from loadtest.report.plots.over_time import plot_over_time
from loadtest.report.plots.rates import plot_latency_by_rate, plot_throughput
from loadtest.report.plots.stages import plot_stages
from loadtest.report.plots.statuses import plot_statuses
from loadtest.report.plots.tails import LEAST_DRAWN, plot_tails
from loadtest.report.templating import drawing, fill, style
from loadtest.results import Distribution, Run


def run_page(run: Run) -> str:
    """Draws a run as a page that needs nothing but itself."""
    latencies = distributions_of(run, LATENCY)
    return fill(
        "run.html",
        **_words(run),
        style=style(),
        knee=knee_words(run.phases),
        classes=rows.class_table(run),
        generator=rows.generator_table(run),
        over_time=drawing(plot_over_time(run.phases)),
        tails=drawing(plot_tails(latencies, "Latency by percentile", "latency")),
        histograms=[
            drawing(plot_histogram(one, name, number))
            for number, (name, one) in enumerate(latencies.items())
            if one.count >= LEAST_DRAWN
        ],
        throughput=drawing(plot_throughput(run)),
        latency_by_rate=drawing(plot_latency_by_rate(run)),
        first_deltas=drawing(
            plot_tails(distributions_of(run, FIRST_DELTA), "Time to the first text", "first delta")
        ),
        statuses=drawing(plot_statuses(run.phases)),
        stages=drawing(plot_stages(run.phases)),
    )


def run_markdown(run: Run) -> str:
    """Writes a run's tables for a README or a pull request."""
    return fill("run.md", **_words(run))


def distributions_of(run: Run, name: str) -> dict[str, Distribution]:
    """Gives one distribution of every phase that has it, by the phase's name."""
    return {
        phase.name: phase.distributions[name] for phase in run.phases if name in phase.distributions
    }


def _verdict_table(run: Run) -> rows.Table:
    """Gives each gate and how it went; beside them what was not judged."""
    unjudged = [
        (NONE, phase.name, how_it_went(phase), "not judged")
        for phase in (unjudged_phases(run) if run.verdicts else ())
    ]
    return rows.Table(
        ("gate", "phase", "found", "outcome"), [*map(rows.verdict_row, run.verdicts), *unjudged]
    )


def _words(run: Run) -> dict[str, object]:
    return {
        "run": run,
        "headline": headline(run),
        "highest_rate": figure(run.highest_rate),
        "cautions": cautions(run),
        "phases": rows.phase_table(run),
        "verdicts": _verdict_table(run),
        "intervals": rows.interval_table(run),
        "streams": rows.stream_table(run),
        "status_counts": rows.status_table(run),
        "server": rows.server_table(run),
        "recipe": rows.Table(
            ("what", "as it was"), [each for each in sorted(run.recipe.items()) if each[1]]
        ),
    }
