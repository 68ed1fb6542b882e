"""What a reader should know before believing a run's figures: each one a sentence."""

from collections.abc import Iterator

from loadtest.measure.figures import error_rate, unfinished
from loadtest.measure.recorder import LATENCY, SEND_LAG
from loadtest.report.numbers import count, figure, percent
from loadtest.results import Phase, Run

_FEW_FOR_P99 = 100
_FEW_FOR_STABILITY = 1000
"""With fewer, medians of windows differ by a tenth by chance alone."""
_LATE_MS = 10.0
_MANY_FAILED = 0.01


def cautions(run: Run) -> list[str]:
    """Gives the sentences; none for a run that nothing speaks against."""
    found = []
    if not run.complete:
        found.append("The run ended early: the figures are of what was measured until then.")
    phases: dict[str, list[str]] = {}
    for phase in run.phases:
        for sentence in _of_phase(phase):
            phases.setdefault(sentence, []).append(phase.name)
    return found + [f"{', '.join(names)}: {sentence}" for sentence, names in phases.items()]


def _of_phase(phase: Phase) -> Iterator[str]:
    if not phase.offered:
        yield "nothing was asked."
        return
    if phase.dropped:
        yield (
            f"{count(phase.dropped)} arrivals were dropped, for nobody was free to send them; "
            "the latencies are of the others."
        )
    failed = error_rate(phase)
    if failed and failed > _MANY_FAILED and phase.ok:
        yield f"{percent(failed)} of the calls failed; the latencies are of the others."
    if never := unfinished(phase):
        yield f"{count(never)} calls had not ended when the run did."
    yield from _of_latency(phase)


def _of_latency(phase: Phase) -> Iterator[str]:
    latency, lag = phase.distributions.get(LATENCY), phase.distributions.get(SEND_LAG)
    if latency is None:
        yield "no call ended well."
        return
    if latency.count < _FEW_FOR_P99:
        yield "fewer than a hundred calls ended well, so p99 is no more than the worst of them."
    if phase.level is not None and not phase.is_stable:
        if latency.count < _FEW_FOR_STABILITY:
            yield "too few calls to tell whether it was stable."
        else:
            yield "not stable, for its last three windows do not agree within 10 %."
    if lag and lag.p99 > max(_LATE_MS, 0.1 * latency.p99):
        yield (
            f"the generator itself was late (p99 of {figure(lag.p99)} ms), "
            "which the latencies include: use --processes, or a machine of its own."
        )
