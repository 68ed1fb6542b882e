"""From the journal's records to figures: medians, ratios, and what was to be shown."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.gpu.case import Case, Goal, Measure, Stage
from benchmarks.gpu.journal import Record


@dataclass(frozen=True)
class Figures:
    """What one contender did in one case."""

    turns: Sequence[Record]
    short_turns: Sequence[Record] = ()
    warm_up_s: float | None = None

    @property
    def seconds(self) -> float:
        """The median of the turns."""
        return statistics.median(turn["seconds"] for turn in self.turns)

    @property
    def spread(self) -> tuple[float, float]:
        """The fastest and the slowest turn."""
        seconds = [turn["seconds"] for turn in self.turns]
        return min(seconds), max(seconds)

    @property
    def tokens_per_s(self) -> float:
        """Tokens written, the encoder's time counted."""
        return statistics.median(turn["tokens"] / turn["seconds"] for turn in self.turns)

    @property
    def documents_per_s(self) -> float:
        """Summaries."""
        return statistics.median(turn["documents"] / turn["seconds"] for turn in self.turns)

    @property
    def used_gb(self) -> float:
        """Memory of the device that was taken at the end of a turn, others' included."""
        return max(turn["used_bytes"] for turn in self.turns) / 1e9

    def rate(self, measure: Measure) -> float:
        """What a goal looks at."""
        return self.tokens_per_s if measure is Measure.TOKENS else self.documents_per_s

    def step_ms(self, case: Case) -> float | None:
        """A decoder step alone: what longer summaries cost more, or else as it says itself.

        None where the longer ones were no slower: then this is noise, and no step's time.
        """
        steps = self.turns[-1]["details"].get("steps")
        if self.short_turns:
            short_s = statistics.median(turn["seconds"] for turn in self.short_turns)
            short_steps = self.short_turns[-1]["details"].get("steps")
            # With drafts there are fewer steps than tokens.
            more = steps - short_steps if steps else case.max_tokens - case.short_tokens
            more_s = self.seconds - short_s
            return more_s / more * 1e3 if more > 0 and more_s > 0 else None
        return self.turns[-1]["details"]["decode_s"] / steps * 1e3 if steps else None

    def share_of_floor(self, case: Case, bytes_per_s: float | None) -> float | None:
        """The least time that a step can take, over what it took."""
        step_ms = self.step_ms(case)
        if not step_ms or not bytes_per_s:
            return None
        return float(self.turns[-1]["floor_bytes"] / bytes_per_s * 1e3 / step_ms)


@dataclass(frozen=True)
class Verdict:
    """A goal, and what came of it."""

    case: Case
    goal: Goal
    # None: not measured.
    got: float | None = None
    # The best of those that the goal is a multiple of.
    beside: float | None = None

    @property
    def ratio(self) -> float | None:
        """Got over wanted: 1 or more is reached."""
        if self.got is None or (self.goal.over and not self.beside):
            return None
        return self.got / (self.goal.wanted * (self.beside or 1.0))


@dataclass
class Summary:
    """All of a run."""

    figures: dict[tuple[str, str], Figures] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    bytes_per_s: float | None = None


def summarise(records: Sequence[Record], stages: Iterable[Stage]) -> Summary:
    """Puts a run's records beside the tour's goals."""
    summary = Summary(bytes_per_s=next((r["bytes_per_s"] for r in _of("copies", records)), None))
    all_cases = list(dict.fromkeys(case for stage in stages for case in stage.cases))
    for case in all_cases:
        mine = [record for record in records if record.get("case") == case.name]
        turns = _of("turn", mine)
        for name in dict.fromkeys(record["contender"] for record in turns):
            by_name = [record for record in mine if record["contender"] == name]
            warm_ups = _of("warm-up", by_name)
            summary.figures[case.name, name] = Figures(
                _of("turn", by_name),
                _of("short turn", by_name),
                warm_ups[0]["seconds"] if warm_ups else None,
            )
        summary.verdicts += [_verdict(case, goal, summary.figures) for goal in case.goals]
    return summary


def _verdict(case: Case, goal: Goal, figures: dict[tuple[str, str], Figures]) -> Verdict:
    ours = figures.get((case.name, goal.contender))
    theirs = [figures[case.name, name] for name in goal.over if (case.name, name) in figures]
    return Verdict(
        case,
        goal,
        ours.rate(goal.measure) if ours else None,
        max((figure.rate(goal.measure) for figure in theirs), default=None),
    )


def _of(kind: str, records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record["kind"] == kind]
