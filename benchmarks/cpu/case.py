"""What one comparison is: a model, documents, a way of decoding, and who takes part."""

import enum
from dataclasses import dataclass

MAX_TOKENS = 64


class Measure(enum.Enum):
    """What a goal compares; ratios are such that more is better for us, but for memory."""

    TOKENS = "tokens/s"
    DOCUMENTS = "documents/s"
    MEMORY = "peak memory"


@dataclass(frozen=True)
class Goal:
    """How much better one contender is to be than another."""

    measure: Measure
    ours: str
    theirs: str
    wanted: float
    # That both write the same, too.
    same_tokens: bool = False

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio of ours to theirs is what was wanted."""
        return ratio <= self.wanted if self.measure is Measure.MEMORY else ratio >= self.wanted

    @property
    def text(self) -> str:
        """The goal in words, such as `>= 2x`."""
        sign = "<=" if self.measure is Measure.MEMORY else ">="
        return f"{sign} {self.wanted:g}x{', same tokens' if self.same_tokens else ''}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One comparison."""

    geometry: str
    # "400": documents of so many tokens; "mixed": of many lengths; "abstracts": of their own.
    documents: str
    count: int
    batch: int
    contenders: tuple[str, ...]
    beams: int = 1
    # Exactly `max_tokens` tokens each, rather than at most.
    forced: bool = True
    max_tokens: int = MAX_TOKENS
    no_repeat_ngram_size: int = 0
    goals: tuple[Goal, ...] = ()
    # In processes of their own, so that the peak is of this case and of loading.
    measures_memory: bool = False

    @property
    def name(self) -> str:
        """The case in words: what `--only` looks into."""
        search = f"{self.beams} beams" if self.beams > 1 else "greedy"
        length = "forced" if self.forced else "up to"
        kind = ", memory" if self.measures_memory else ""
        return (
            f"{self.geometry}, {_documents(self)}, {search}, {length} {self.max_tokens}, "
            f"batch {self.batch}{kind}"
        )


def _documents(case: Case) -> str:
    if case.documents.isdigit():
        return f"{case.count} documents of {case.documents}"
    return f"{case.count} {'mixed documents' if case.documents == 'mixed' else case.documents}"
