"""What a reader should know before believing a run's figures: each one a sentence."""

from collections.abc import Iterable, Iterator, Sequence

from loadtest.measure.figures import NEEDED, enough_for, failed_rate, refused_rate, unfinished
from loadtest.measure.recorder import LATENCY, SEND_LAG
from loadtest.report.numbers import count, figure, percent
from loadtest.results import Phase, Run

_FEW_FOR_STABILITY = 1000
"""With fewer, medians of windows differ by a tenth by chance alone."""
_LATE_MS = 10.0
_MANY_FAILED = 0.01
_MUCH_USED_BY_OTHERS = 0.10
_MUCH_STOLEN = 0.05


def cautions(run: Run) -> list[str]:
    """Gives the sentences; none for a run that nothing speaks against."""
    found = []
    if not run.complete:
        found.append("The run ended early: the figures are of what was measured until then.")
    found += disturbances(run.phases)
    phases: dict[str, list[str]] = {}
    for phase in run.phases:
        for sentence in _of_phase(phase):
            phases.setdefault(sentence, []).append(phase.name)
    found += [f"{', '.join(names)}: {sentence}" for sentence, names in phases.items()]
    if any(_lacks_a_percentile(phase) for phase in run.phases):
        found.append(
            "Percentiles are left blank where too few calls ended well: p50 needs 2, p90 10,"
            " p95 20, p99 100 and p99.9 1,000. A gate on a blank one takes the slowest call."
        )
    return found


def disturbances(phases: Iterable[Phase]) -> list[str]:
    """Says which phases were disturbed by other users of the processor."""
    by = [(phase.name, *_disturbed_by(phase)) for phase in phases]
    return [
        *_used("Other processes used", "", [(name, others) for name, others, _ in by if others]),
        *_used(
            "Other virtual machines took",
            " (steal)",
            [(name, stolen) for name, _, stolen in by if stolen],
        ),
    ]


def _used(who: str, how: str, shares: Sequence[tuple[str, float]]) -> Iterator[str]:
    if shares:
        (name, share), *more = shares
        others = "".join(f", {100 * share:.0f} % during {name}" for name, share in more)
        yield (
            f"{who} {100 * share:.0f} % of the processor{how} during phase {name}{others}:"
            " do not trust these figures."
        )


def is_disturbed(phase: Phase) -> bool:
    """Tells whether others used so much of the processor that the figures are not to be trusted."""
    return any(_disturbed_by(phase))


def _disturbed_by(phase: Phase) -> tuple[float, float]:
    """Gives the shares that others took and that the hypervisor did; 0 where it is not much."""
    use = phase.processor
    if use is None:
        return 0.0, 0.0
    others = use.others or 0.0
    return (
        others if others > _MUCH_USED_BY_OTHERS else 0.0,
        use.stolen if use.stolen > _MUCH_STOLEN else 0.0,
    )


def _of_phase(phase: Phase) -> Iterator[str]:
    if not phase.offered:
        yield "no calls were offered."
        return
    if phase.dropped:
        yield (
            f"{count(phase.dropped)} arrivals were dropped, because as many calls as `in_flight` "
            "allows were unanswered; the latencies are of the others."
        )
    if (refused := refused_rate(phase)) and refused > _MANY_FAILED:
        yield f"{percent(refused)} of the calls were refused with a time to come back."
    if (failed := failed_rate(phase)) and failed > _MANY_FAILED:
        yield f"{percent(failed)} of the calls failed."
    if never := unfinished(phase):
        yield f"{count(never)} calls had not ended when the run did."
    yield from _of_latency(phase)


def _of_latency(phase: Phase) -> Iterator[str]:
    latency, lag = phase.distributions.get(LATENCY), phase.distributions.get(SEND_LAG)
    if latency is None:
        yield "no call ended well."
        return
    if phase.level is not None and not phase.is_stable:
        if latency.count < _FEW_FOR_STABILITY:
            yield "too few calls to tell whether it was stable."
        else:
            yield "not stable: its last three windows differ by more than 10 %."
    if lag and lag.p99 > max(_LATE_MS, 0.1 * latency.p99):
        yield (
            f"the load generator itself was late (p99 of {figure(lag.p99)} ms), "
            "which the latencies include: use --processes, or a machine of its own."
        )


def _lacks_a_percentile(phase: Phase) -> bool:
    latency = phase.distributions.get(LATENCY)
    return latency is not None and not all(enough_for(latency, name) for name in NEEDED)
