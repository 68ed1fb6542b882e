"""Figures of a result: medians, spreads, ratios round by round, and who wrote the same."""

import statistics
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.cpu import cases
from benchmarks.cpu.case import Case, Goal, Measure
from benchmarks.cpu.contender import Answer
from benchmarks.cpu.tour import Result
from benchmarks.peers.protocol import Tokens

# Those that should write the same; the first that took part is what the others are held against.
_SAME_TOKENS = (
    (cases.HUGGING_FACE, cases.OURS_FP32, cases.CT2_FLOAT32, cases.OPTIMUM),
    (cases.OURS_UNDRAFTED, cases.OURS_INT8),
)


@dataclass(frozen=True)
class Spread:
    """A median, and the lowest and the highest."""

    median: float
    lowest: float
    highest: float


def spread(values: list[float]) -> Spread:
    """Of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(case: Case, goal: Goal, answers: dict[str, list[Answer]]) -> Spread | None:
    """Ours to theirs, each round by itself, as neighbours in time; None if one was absent."""
    if goal.ours not in answers or goal.theirs not in answers:
        return None
    pairs = zip(answers[goal.ours], answers[goal.theirs], strict=True)
    return spread(
        [
            _value(case, goal.measure, ours) / _value(case, goal.measure, theirs)
            for ours, theirs in pairs
        ]
    )


def summarise(result: Result) -> dict[str, Any]:
    """A result as it is written to JSON."""
    case, answers = result.case, result.answers
    return {
        "case": case.name,
        **{key: value for key, value in asdict(case).items() if key not in ("goals", "contenders")},
        "source_tokens": sum(result.source_lengths),
        "contenders": {name: _figures(case, given) for name, given in answers.items()},
        "absent": result.absent,
        "equal": equal_summaries(answers),
        "goals": [_goal(case, goal, answers) for goal in case.goals],
    }


def equal_summaries(answers: dict[str, list[Answer]]) -> dict[str, dict[str, Any]]:
    """For each of those that should write the same: beside whom, and how many summaries are."""
    found: dict[str, dict[str, Any]] = {}
    for group in _SAME_TOKENS:
        reference, *others = [name for name in group if name in answers] or [""]
        for name in others:
            wanted, given = answers[reference][0].summaries, answers[name][0].summaries
            found[name] = {
                "beside": reference,
                "equal": _num_equal(wanted, given),
                "of": len(wanted),
            }
    return found


def _goal(case: Case, goal: Goal, answers: dict[str, list[Answer]]) -> dict[str, Any]:
    ratio = ratios(case, goal, answers)
    told = {
        "measure": goal.measure.value,
        "ours": goal.ours,
        "theirs": goal.theirs,
        "wanted": goal.text,
    }
    if ratio is None:
        return {**told, "ratio": None, "met": None}
    met = goal.is_met(ratio.median)
    if goal.same_tokens:
        ours, theirs = (answers[name][0].summaries for name in (goal.ours, goal.theirs))
        met = met and ours == theirs
    return {**told, "ratio": asdict(ratio), "met": met}


def _figures(case: Case, answers: list[Answer]) -> dict[str, Any]:
    seconds = spread([answer.seconds for answer in answers])
    tokens = answers[0].tokens
    return {
        "seconds": asdict(seconds),
        "seconds_all": [round(answer.seconds, 4) for answer in answers],
        "tokens": tokens,
        "tokens_per_s": tokens / seconds.median,
        "documents_per_s": case.count / seconds.median,
        "peak_mb": spread([answer.peak_bytes / 1e6 for answer in answers]).median,
        "pss_mb": spread([answer.pss_bytes / 1e6 for answer in answers]).median,
        "details": answers[-1].details,
        # A contender whose turns differ in what they write has a fault.
        "always_the_same": all(answer.summaries == answers[0].summaries for answer in answers),
    }


def _value(case: Case, measure: Measure, answer: Answer) -> float:
    match measure:
        case Measure.TOKENS:
            return answer.tokens / answer.seconds
        case Measure.DOCUMENTS:
            return case.count / answer.seconds
        case Measure.MEMORY:
            return answer.peak_bytes


def _num_equal(wanted: Tokens, given: Tokens) -> int:
    return sum(a == b for a, b in zip(wanted, given, strict=True))
