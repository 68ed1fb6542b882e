"""The rows of a report's tables, as words: the same for the page and for Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.measure.call import OK
from loadtest.measure.figures import enough_for, failed
from loadtest.measure.recorder import BETWEEN_DELTAS, FIRST_DELTA, LATENCY, SEND_LAG, TOKEN_RATE
from loadtest.report.numbers import NONE, count, figure, percent, plain
from loadtest.results import Distribution, Phase, Run, Verdict

Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """A head and rows of words; the first column names, the others are figures."""

    head: Row
    rows: Sequence[Row]


def phase_table(run: Run) -> Table:
    """Says what was asked and what came of it, a row a phase."""
    head = (
        *("phase", "load", "seconds", "offered", "served", "refused", "failed", "dropped"),
        "served/s",
        *("p50 ms", "p90 ms", "p95 ms", "p99 ms", "p99.9 ms", "greatest ms", "stable"),
    )
    rows = []
    for phase in run.phases:
        latency = phase.distributions.get(LATENCY)
        rows.append(
            (
                *(phase.name, load(phase), figure(phase.seconds)),
                *map(count, (phase.offered, phase.ok, phase.refused, failed(phase))),
                *(count(phase.dropped), figure(phase.throughput)),
                *_figures(latency, "p50", "p90", "p95", "p99", "p999", "greatest"),
                "yes" if phase.is_stable else "no",
            )
        )
    return Table(head, rows)


def load(phase: Phase) -> str:
    """Says what load a phase put on."""
    if phase.level is None:
        return "arrivals that change" if phase.model == "open" else "users that change"
    unit = "calls/s" if phase.model == "open" else "user" if phase.level == 1 else "users"
    return f"{plain(round(phase.level, 3))} {unit}"


def interval_table(run: Run) -> Table:
    """Gives the confidence intervals of phases that were repeated."""
    rows = [
        (phase.name, name.replace("_", " "), figure(low), figure(high))
        for phase in run.phases
        for name, (low, high) in phase.intervals.items()
    ]
    return Table(("phase", "figure", "from", "to"), rows)


def stream_table(run: Run) -> Table:
    """Says how streams felt."""
    head = (
        *("phase", "streams", "first delta p50 ms", "p95 ms", "p99 ms"),
        *("between deltas p50 ms", "p99 ms", "tokens/s p50"),
    )
    rows = []
    for phase in run.phases:
        first = phase.distributions.get(FIRST_DELTA)
        if first is None:
            continue
        rows.append(
            (
                *(phase.name, count(first.count), *_figures(first, "p50", "p95", "p99")),
                *_figures(phase.distributions.get(BETWEEN_DELTAS), "p50", "p99"),
                *_figures(phase.distributions.get(TOKEN_RATE), "p50"),
            )
        )
    return Table(head, rows)


def class_table(run: Run) -> Table:
    """Gives the latency of each kind and class of calls, where a phase has several."""
    rows = []
    for phase in run.phases:
        classes = [name for name in phase.distributions if name.startswith(f"{LATENCY}/")]
        if len(classes) < 2:
            continue
        for name in classes:
            one = phase.distributions[name]
            label = name.removeprefix(f"{LATENCY}/")
            rows.append((phase.name, label, count(one.count), *_figures(one, "p50", "p95", "p99")))
    return Table(("phase", "class", "calls", "p50 ms", "p95 ms", "p99 ms"), rows)


def status_table(run: Run) -> Table:
    """Counts how calls ended; empty where all ended well."""
    names = sorted({name for phase in run.phases for name in phase.statuses} - {OK})
    pushed = any(phase.retries or phase.pushbacks for phase in run.phases)
    if not names and not pushed:
        return Table((), ())
    head = ("phase", OK, *names, "retries", "pushbacks")
    return Table(head, [_status_row(phase, [OK, *names]) for phase in run.phases])


def server_table(run: Run) -> Table:
    """Gives what the server's own metrics say, stages first."""
    told = [(phase.name, phase.server) for phase in run.phases if phase.server]
    stages = list(dict.fromkeys(name for _, server in told for name in server.stages_ms))
    others = list(dict.fromkeys(name for _, server in told for name in server.figures))
    head = ("phase", *(f"{name} ms" for name in stages), *others)
    rows = [
        (
            name,
            *(figure(server.stages_ms.get(stage)) for stage in stages),
            *(figure(server.figures.get(other)) for other in others),
        )
        for name, server in told
    ]
    return Table(head, rows)


def generator_table(run: Run) -> Table:
    """Says how late the generator itself was, and who used its machine's processor."""
    head = (
        *("phase", "send lag p50 ms", "p99 ms", "greatest ms"),
        *("processor: load test and server", "other processes", "steal"),
    )
    rows = []
    for phase in run.phases:
        use, lag = phase.processor, phase.distributions.get(SEND_LAG)
        shares = (use.ours, use.others, use.stolen) if use else (None,) * 3
        rows.append((phase.name, *_figures(lag, "p50", "p99", "greatest"), *map(percent, shares)))
    return Table(head, rows)


def verdict_row(verdict: Verdict) -> Row:
    """Says what a gate asked, what was found and how it went."""
    found = figure(verdict.found) if verdict.found is not None else "nothing was measured"
    return verdict.gate, verdict.phase, found, "passed" if verdict.passed else "failed"


def _status_row(phase: Phase, names: Sequence[str]) -> Row:
    counts = (phase.statuses.get(name, 0) for name in names)
    return phase.name, *map(count, counts), count(phase.retries), count(phase.pushbacks)


def _figures(distribution: Distribution | None, *names: str) -> Row:
    """Writes figures; blank a percentile for which there were too few values."""
    if distribution is None:
        return (NONE,) * len(names)
    return tuple(
        figure(getattr(distribution, name)) if enough_for(distribution, name) else ""
        for name in names
    )
