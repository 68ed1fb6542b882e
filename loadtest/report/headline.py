"""The verdict on a whole run in one sentence: what passed, what failed, and what was not judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loadtest.measure.figures import failed
from loadtest.report.cautions import is_disturbed
from loadtest.report.numbers import percent
from loadtest.results import Phase, Run, Verdict

_FEW = 0.01
_SEARCH = "search"
"""What the verdict of a search names as its phase; it judges the probes of the search."""


@dataclass(frozen=True)
class Headline:
    """How a run is shown: green, red, or neither."""

    kind: Literal["passed", "failed", "unsure"]
    words: str


def headline(run: Run) -> Headline:
    """Sums up a run; it passed only if most was judged, nothing failed and nobody disturbed it."""
    bad = [verdict for verdict in run.verdicts if not verdict.passed]
    unjudged = unjudged_phases(run)
    disturbed = [phase.name for phase in run.phases if is_disturbed(phase)]
    sentences = [] if run.complete else ["The run ended early"]
    if bad:
        sentences.append(f"{_of(len(bad), len(run.verdicts))} failed: {_listed(bad)}")
    elif run.verdicts:
        count = len(run.verdicts)
        sentences.append(f"All {count} gates passed" if count > 1 else "The one gate passed")
    else:
        sentences.append("Nothing was judged")
    if run.verdicts and unjudged:
        shown = ", ".join(f"{phase.name} ({how_it_went(phase)})" for phase in unjudged)
        sentences.append(f"Not judged: {shown}")
    if disturbed:
        sentences.append(f"Other processes disturbed {', '.join(disturbed)}")
    is_sure = (
        run.complete
        and run.verdicts
        and not disturbed
        and 2 * len(unjudged) <= len(run.phases)
        and not any(_failed_share(phase) > _FEW for phase in unjudged)
    )
    kind: Literal["passed", "failed", "unsure"]
    kind = "failed" if bad else "passed" if is_sure else "unsure"
    return Headline(kind, ". ".join(sentences))


def unjudged_phases(run: Run) -> list[Phase]:
    """Gives the phases that no gate was asked about."""
    judged = {verdict.phase for verdict in run.verdicts}
    return [
        phase
        for phase in run.phases
        if not phase.judged or (phase.name not in judged and _SEARCH not in judged)
    ]


def how_it_went(phase: Phase) -> str:
    """Says what became of the calls of a phase: "41 % refused, 17 % failed"."""
    parts = {"refused": phase.refused, "failed": failed(phase), "dropped": phase.dropped}
    told = [f"{percent(n / phase.offered)} {word}" for word, n in parts.items() if n]
    return ", ".join(told) or ("all served" if phase.ok else "no calls")


def _failed_share(phase: Phase) -> float:
    return (failed(phase) + phase.dropped) / phase.offered if phase.offered else 1.0


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole} gates" if whole > 1 else "The one gate"


def _listed(verdicts: Sequence[Verdict]) -> str:
    """Names the gates by phase: "p99_ms in 2/s and 4/s"."""
    phases: dict[str, list[str]] = {}
    for verdict in verdicts:
        phases.setdefault(verdict.gate.split()[0], []).append(verdict.phase)
    return "; ".join(f"{gate} in {', '.join(names)}" for gate, names in phases.items())
