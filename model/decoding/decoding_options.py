"""What bounds, constrains and steers a summary, for every decoder in PyTorch.

The rules, and the order in which they apply, are those of transformers' `generate`; where it counts
the start token (`max_length`, `min_length`), we count new tokens alone.
"""

from dataclasses import dataclass, field
from typing import Literal

from bundle.spelling import Spelling


@dataclass(frozen=True, kw_only=True)
class GreedyOptions:
    """What bounds and constrains a summary."""

    max_tokens: int = 64  # generated tokens, the end token included
    min_tokens: int = 0  # tokens that must come before the end token
    repetition_penalty: float = 1.0  # scores of tokens used before, the start token too: / this
    no_repeat_ngram_size: int = 0  # no run of so many tokens occurs twice; 0 is no such rule
    no_repeat_word_ngram_size: int = 0  # no run of so many words; needs the spelling of tokens
    only_source_facts: bool = False  # no name or number that the source lacks; the same need
    spelling: Spelling | None = field(default=None, compare=False, repr=False)
    encoder_no_repeat_ngram_size: int = 0  # no such run of the source occurs in the summary
    banned_ids: tuple[int, ...] = ()  # never generated
    banned_runs: tuple[tuple[int, ...], ...] = ()  # runs of tokens that never occur
    not_first_ids: tuple[int, ...] = ()  # not where the model first has a choice
    forced_first: int | None = None  # the first token, whatever the model says and the rules ban
    prefix_ids: tuple[int, ...] = ()  # the tokens after that, likewise
    forced_last: int | None = None  # the token at max_tokens, likewise, over those two

    @property
    def beginning(self) -> tuple[int, ...]:
        """The tokens that every summary starts with."""
        first = () if self.forced_first is None else (self.forced_first,)
        return (*first, *self.prefix_ids)

    def __post_init__(self) -> None:
        if problems := self._problems():
            raise ValueError("; ".join(problems))

    def _problems(self) -> list[str]:
        problems = []
        if self.max_tokens < 1:
            problems.append(f"max_tokens must be at least 1, not {self.max_tokens}")
        elif not 0 <= self.min_tokens <= self.max_tokens:
            problems.append(
                f"min_tokens must be between 0 and max_tokens={self.max_tokens}, "
                f"not {self.min_tokens}"
            )
        if not self.repetition_penalty > 0:
            problems.append(f"repetition_penalty is {self.repetition_penalty}, not above 0")
        problems += [
            f"{name} is {getattr(self, name)}, below 0"
            for name in (
                "no_repeat_ngram_size",
                "no_repeat_word_ngram_size",
                "encoder_no_repeat_ngram_size",
            )
            if getattr(self, name) < 0
        ]
        if not all(self.banned_runs):
            problems.append("banned_runs holds an empty run, which would ban everything")
        return problems


@dataclass(frozen=True, kw_only=True)
class BeamOptions(GreedyOptions):
    """How wide to search, and how to compare summaries of different lengths."""

    num_beams: int = 4  # 1 asks for greedy decoding
    # A summary of n tokens scores (sum of log-probabilities) / n ** length_penalty.
    length_penalty: float = 1.0
    # With num_beams summaries complete: True stops; False stops unless the best running one, were
    # it to end now, would be among them; "never" unless it might at any length up to max_tokens.
    early_stopping: bool | Literal["never"] = False
    renormalize: bool = False  # what the rules leave is made to sum to one again

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.num_beams < 1:
            problems.append(f"num_beams must be at least 1, not {self.num_beams}")
        if self.early_stopping not in (True, False, "never"):
            problems.append(
                f"early_stopping must be True, False or 'never', not {self.early_stopping!r}"
            )
        return problems


@dataclass(frozen=True, kw_only=True)
class SamplingOptions(GreedyOptions):
    """How freely to draw, and which draws; the defaults draw from the network's distribution."""

    temperature: float = 1.0  # below 1 the likely become likelier; 0 would be greedy decoding
    top_k: int = 0  # draw among so many of the likeliest alone; 0 is no such rule
    top_p: float = 1.0  # draw among the likeliest that together have this probability
    min_p: float = 0.0  # draw among those at least so likely, compared with the likeliest one
    seed: int = 0  # another seed, other draws

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if not self.temperature > 0:
            problems.append(f"temperature is {self.temperature}, not above 0")
        if self.top_k < 0:
            problems.append(f"top_k is {self.top_k}, below 0")
        if not 0 < self.top_p <= 1:
            problems.append(f"top_p is {self.top_p}, not above 0 and at most 1")
        if not 0 <= self.min_p <= 1:
            problems.append(f"min_p is {self.min_p}, not between 0 and 1")
        if not 0 <= self.seed < 2**64:
            problems.append(f"seed is {self.seed}, not between 0 and 2**64 - 1")
        return problems
