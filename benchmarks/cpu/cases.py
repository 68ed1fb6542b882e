"""The comparisons of each tour: the goals that were set, everything, or a quick look."""

from collections.abc import Callable
from itertools import product

from benchmarks.cpu.case import MAX_TOKENS, Case, Goal, Measure

OURS_INT8, OURS_FP32 = "ours int8", "ours fp32"
OURS_UNDRAFTED = "ours int8, no drafts"
CT2_INT8, CT2_FLOAT32 = "CTranslate2 int8", "CTranslate2 float32"
HUGGING_FACE, OPTIMUM = "Hugging Face fp32", "optimum-onnx fp32"

DISTILBART, BART_BASE = "DistilBART-12-6", "BART-base"
DEFAULT, HEADLESS = "default", "default without head"
TINY = "tiny BART"

_EVERY = (
    OURS_INT8,
    OURS_UNDRAFTED,
    CT2_INT8,
    OURS_FP32,
    CT2_FLOAT32,
    HUGGING_FACE,
    OPTIMUM,
)
_FP32 = (OURS_FP32, CT2_FLOAT32, HUGGING_FACE, OPTIMUM)
_ABSTRACTS = 48
_NO_REPEAT = 3


def goals_tour() -> list[Case]:
    """What was set out to be shown, and fp32 beside fp32, whose tokens can be compared."""
    return [*_distilbart_goals(), *_default_goals(), *_headless_goals(), *_memory_goals()]


def full_tour() -> list[Case]:
    """Every geometry, batch, length and way of decoding: hours."""
    cases = []
    for geometry, documents, batch, beams, forced in product(
        (DISTILBART, BART_BASE, HEADLESS, DEFAULT),
        ("128", "400", "1000", "mixed"),
        (1, 8, 32),
        (1, 4),
        (True, False),
    ):
        cases.append(
            Case(
                geometry=geometry,
                documents=documents,
                count=max(batch, 4),
                batch=batch,
                beams=beams,
                forced=forced,
                contenders=_EVERY,
            )
        )
    return cases


def quick_tour() -> list[Case]:
    """A tiny network: shows that everything works, and nothing else."""
    return [
        Case(
            geometry=TINY,
            documents="40",
            count=2,
            batch=2,
            beams=beams,
            max_tokens=8,
            contenders=_EVERY,
            measures_memory=memory,
        )
        for beams, memory in ((1, False), (4, False), (1, True))
    ]


TOURS: dict[str, Callable[[], list[Case]]] = {
    "goals": goals_tour,
    "full": full_tour,
    "quick": quick_tour,
}


def _distilbart_goals() -> list[Case]:
    def against(*rivals: tuple[str, float]) -> tuple[Goal, ...]:
        return tuple(Goal(Measure.TOKENS, OURS_INT8, name, wanted) for name, wanted in rivals)

    shape = {"geometry": DISTILBART, "documents": "400"}
    return [
        Case(
            **shape,
            count=4,
            batch=1,
            contenders=(OURS_INT8, CT2_INT8, HUGGING_FACE),
            goals=against((CT2_INT8, 2.5), (HUGGING_FACE, 5)),
        ),
        Case(
            **shape,
            count=8,
            batch=8,
            contenders=(OURS_INT8, CT2_INT8, *_FP32),
            goals=against((CT2_INT8, 2), (HUGGING_FACE, 5)),
        ),
        Case(
            **shape,
            count=32,
            batch=32,
            contenders=(OURS_INT8, CT2_INT8),
            goals=against((CT2_INT8, 2)),
        ),
        Case(
            **shape,
            count=8,
            batch=8,
            beams=4,
            contenders=(OURS_INT8, CT2_INT8),
            goals=against((CT2_INT8, 2)),
        ),
        Case(**shape, count=4, batch=4, beams=4, contenders=_FP32),
    ]


def _default_goals() -> list[Case]:
    shape = {
        "geometry": DEFAULT,
        "documents": "abstracts",
        "count": _ABSTRACTS,
        "forced": False,
        "max_tokens": MAX_TOKENS,
        "no_repeat_ngram_size": _NO_REPEAT,
    }

    def beside_ct2(wanted: float) -> Goal:
        return Goal(Measure.DOCUMENTS, OURS_INT8, CT2_INT8, wanted)

    def beside_undrafted(wanted: float) -> Goal:
        return Goal(Measure.DOCUMENTS, OURS_INT8, OURS_UNDRAFTED, wanted, same_tokens=True)

    return [
        Case(
            **shape,
            batch=1,
            contenders=(OURS_INT8, CT2_INT8, OURS_UNDRAFTED),
            goals=(beside_ct2(3), beside_undrafted(1.4)),
        ),
        Case(
            **shape,
            batch=8,
            contenders=(OURS_INT8, OURS_UNDRAFTED),
            goals=(beside_undrafted(1),),
        ),
        Case(**shape, batch=16, contenders=(OURS_INT8, CT2_INT8), goals=(beside_ct2(2),)),
    ]


def _headless_goals() -> list[Case]:
    shape = {"geometry": HEADLESS, "documents": "abstracts"}
    free = {"forced": False, "batch": 8, "contenders": _FP32}

    def against(name: str, wanted: float) -> Goal:
        return Goal(Measure.TOKENS, OURS_INT8, name, wanted)

    return [
        Case(
            **shape,
            count=16,
            batch=1,
            contenders=(OURS_INT8, CT2_INT8, HUGGING_FACE),
            goals=(against(CT2_INT8, 2), against(HUGGING_FACE, 5)),
        ),
        Case(
            **shape,
            count=16,
            batch=8,
            contenders=(OURS_INT8, CT2_INT8, HUGGING_FACE),
            goals=(against(HUGGING_FACE, 5),),
        ),
        Case(
            **shape,
            count=32,
            batch=32,
            contenders=(OURS_INT8, CT2_INT8),
            goals=(against(CT2_INT8, 1.8),),
        ),
        Case(**shape, **free, count=_ABSTRACTS, no_repeat_ngram_size=_NO_REPEAT),
        Case(**shape, **free, count=16, beams=4),
    ]


def _memory_goals() -> list[Case]:
    return [
        Case(
            geometry=geometry,
            documents=documents,
            count=8,
            batch=8,
            contenders=(OURS_INT8, CT2_INT8),
            goals=(Goal(Measure.MEMORY, OURS_INT8, CT2_INT8, 1.3),),
            measures_memory=True,
        )
        for geometry, documents in ((DISTILBART, "400"), (DEFAULT, "abstracts"))
    ]
