"""How long a tour will take, roughly: for the progress bar only."""

from benchmarks.cpu import cases
from benchmarks.cpu.case import Case
from benchmarks.cpu.models import GEOMETRIES

# How much slower than ours in int8 they were when this was written.
_SLOWNESS = {
    cases.CT2_INT8: 1.8,
    cases.OURS_FP32: 3.0,
    cases.CT2_FLOAT32: 4.0,
    cases.HUGGING_FACE: 7.0,
    cases.OPTIMUM: 7.0,
}
_MIXED_LENGTH, _ABSTRACT_LENGTH = 350, 240
_START_S = 4.0


def turn_s(case: Case, contender: str) -> float:
    """One turn of one contender."""
    geometry = GEOMETRIES[case.geometry]
    length = {"mixed": _MIXED_LENGTH, "abstracts": _ABSTRACT_LENGTH}.get(case.documents)
    source = case.count * (length or int(case.documents))
    # A step of many rows is cheaper than as many steps of one.
    written = case.count * case.max_tokens * (case.beams / case.batch) ** 0.6 * case.beams**0.2
    seconds = (
        source * geometry.seconds_per_source_token + written * geometry.seconds_per_token
    ) * _SLOWNESS.get(contender, 1.0)
    return seconds + (_START_S if case.measures_memory else 0)


def round_s(case: Case) -> float:
    """One turn of everybody."""
    return sum(turn_s(case, name) for name in case.contenders)
