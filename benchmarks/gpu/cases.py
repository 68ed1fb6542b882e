"""The stages of each tour, what matters most first: time may be over before the last of them."""

from dataclasses import replace

from benchmarks.gpu.case import Case, Goal, Measure, Stage

OURS, UNDRAFTED, SERVED = "ours", "ours, no drafts", "our server"
HUGGING_FACE, STATIC = "Hugging Face", "Hugging Face, static cache, compiled"
OPTIMUM = "optimum"
COPIES = "copies"
ANY_HUGGING_FACE = (HUGGING_FACE, STATIC)

BART_LARGE, DISTILBART, DEFAULT = "BART-large", "DistilBART-12-6", "default"
TINY, TINY_DEFAULT = "tiny BART", "default on the CPU"

# Batches of a rehearsal: small, yet as many as there are, so that no two cases become one.
_REHEARSED_BATCHES = {1: 1, 8: 2, 32: 3, 64: 4, 128: 5, 256: 6}
_SERVER_SHARE = 0.9
_NO_REPEAT = 3


def _figure(wanted: float, measure: Measure = Measure.TOKENS) -> Goal:
    return Goal(measure, OURS, wanted)


def _over_hugging_face(wanted: float) -> Goal:
    return Goal(Measure.TOKENS, OURS, wanted, ANY_HUGGING_FACE)


def _served(measure: Measure) -> Goal:
    return Goal(measure, SERVED, _SERVER_SHARE, (OURS,))


ONE = Case(geometry=BART_LARGE, batch=1, repeats=5, goals=(_figure(1300), _over_hugging_face(12)))
FEW = Case(geometry=BART_LARGE, batch=32, goals=(_figure(35_000),))
MANY = Case(geometry=BART_LARGE, batch=128, goals=(_figure(75_000), _over_hugging_face(4)))
BEAMS = Case(
    geometry=BART_LARGE,
    batch=32,
    beams=4,
    max_tokens=64,
    goals=(_figure(300, Measure.DOCUMENTS),),
)
STREAM = Case(
    geometry=BART_LARGE, batch=128, count=512, repeats=2, goals=(_served(Measure.TOKENS),)
)
ABSTRACTS = Case(
    geometry=DEFAULT,
    documents="abstracts",
    batch=64,
    count=640,
    max_tokens=64,
    forced=False,
    no_repeat_ngram_size=_NO_REPEAT,
    goals=(_figure(3000, Measure.DOCUMENTS), _served(Measure.DOCUMENTS)),
)


def full_tour() -> list[Stage]:
    """All that is to be shown, in the order of its weight."""
    others = tuple(Case(geometry=BART_LARGE, batch=batch) for batch in (8, 64, 256))
    distilled = tuple(Case(geometry=DISTILBART, batch=batch) for batch in (1, 32, 128))
    plain = tuple(Case(geometry=DEFAULT, batch=batch) for batch in (1, 64, 256))
    engine = (OURS, HUGGING_FACE)
    return [
        Stage(geometry=BART_LARGE, contenders=engine, cases=(FEW, MANY, ONE, BEAMS), budget_s=150),
        Stage(geometry=DEFAULT, contenders=(OURS, UNDRAFTED, HUGGING_FACE), cases=(ABSTRACTS,)),
        Stage(geometry=BART_LARGE, contenders=(OURS,), cases=(STREAM, *others), budget_s=100),
        Stage(geometry=BART_LARGE, contenders=(SERVED,), cases=(STREAM,)),
        Stage(geometry=DEFAULT, contenders=(SERVED,), cases=(ABSTRACTS,), budget_s=60),
        Stage(geometry=BART_LARGE, contenders=(STATIC,), cases=(MANY, ONE), budget_s=120),
        Stage(geometry=DISTILBART, contenders=engine, cases=distilled),
        Stage(geometry=BART_LARGE, contenders=(HUGGING_FACE,), cases=others, budget_s=40),
        Stage(geometry=DEFAULT, contenders=engine, cases=plain, budget_s=60),
        Stage(geometry=BART_LARGE, contenders=(OPTIMUM,), cases=(FEW, ONE)),
    ]


def rehearsal() -> list[Stage]:
    """The same on a processor with a tiny network: shows that everything works, and no figure."""

    def small(case: Case) -> Case:
        geometry = TINY_DEFAULT if case.geometry == DEFAULT else TINY
        documents = "40" if case.documents.isdigit() else case.documents
        return replace(
            case,
            geometry=geometry,
            batch=_REHEARSED_BATCHES[case.batch],
            count=min(case.count, 8),
            documents=documents,
            max_tokens=8,
            repeats=1,
            goals=tuple(replace(goal, wanted=min(goal.wanted, 1)) for goal in case.goals),
        )

    def rehearsed(stage: Stage) -> Stage:
        cases = tuple(map(small, stage.cases))
        return replace(stage, geometry=cases[0].geometry, cases=cases)

    return [rehearsed(stage) for stage in full_tour() if stage.geometry != DISTILBART]
