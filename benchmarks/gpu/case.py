"""What is measured: work for contenders to do in turn, and what is to be shown by it."""

import enum
from dataclasses import dataclass, field


class Measure(enum.Enum):
    """What a goal looks at; more is better."""

    TOKENS = "tokens/s"
    DOCUMENTS = "documents/s"


@dataclass(frozen=True)
class Goal:
    """What one contender is to reach: so much, or so many times the best of some others."""

    measure: Measure
    contender: str
    wanted: float
    # Empty: `wanted` is a figure; else a ratio over the best of these.
    over: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The goal in words, such as `>= 35,000 tokens/s`."""
        if not self.over:
            return f">= {self.wanted:,.0f} {self.measure.value}"
        if self.wanted < 1:
            return f">= {self.wanted:.0%} of {_listed(self.over)}"
        return f">= {self.wanted:g}x {_listed(self.over)}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One piece of work, that contenders do in turn."""

    geometry: str
    batch: int
    # "352": random documents of so many tokens; "abstracts": real ones, as long as they are.
    documents: str = "352"
    # How many documents; 0: one batch.
    count: int = 0
    beams: int = 1
    max_tokens: int = 128
    # Exactly `max_tokens` tokens each, rather than at most.
    forced: bool = True
    no_repeat_ngram_size: int = 0
    repeats: int = 3
    goals: tuple[Goal, ...] = ()

    @property
    def num_documents(self) -> int:
        """How many documents there are to do."""
        return self.count or self.batch

    @property
    def short_tokens(self) -> int:
        """The length of the shorter turn, which tells what a step costs; 0: there is none."""
        return self.max_tokens // 2 if self.forced and self.num_documents == self.batch else 0

    @property
    def name(self) -> str:
        """The case in words: what `--only` looks into."""
        many = "" if self.num_documents == self.batch else f"{self.num_documents} "
        what = (
            f"{many}documents of {self.documents}"
            if self.documents.isdigit()
            else f"{self.num_documents} {self.documents}"
        )
        search = f"{self.beams} beams" if self.beams > 1 else "greedy"
        length = "" if self.forced else "up to "
        tokens = f"{length}{self.max_tokens} tokens"
        return f"{self.geometry}, batch {self.batch}, {search}, {what}, {tokens}"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Contenders of one geometry that are alive together, and the cases in which they take turns.

    A case may come in several stages, with other contenders each time.
    """

    geometry: str
    contenders: tuple[str, ...]
    cases: tuple[Case, ...]
    # Most seconds for it, its processes' start included; the time that is left bounds it too.
    budget_s: float = field(default=90.0)

    @property
    def name(self) -> str:
        """The stage in words."""
        return f"{self.geometry}: {_listed(self.contenders)}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)
