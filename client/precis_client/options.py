"""The decoding options of a request."""

from dataclasses import dataclass, field
from typing import Any


def _option(about: str) -> Any:
    """Declares an option that is not set; `about` is what `precis summarize --help` says of it."""
    return field(default=None, metadata={"about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingOptions:
    """How to decode one summary. What is left at None takes the default of the model's style.

    The server checks the ranges, since only it knows the model's limits; it answers InvalidRequest
    naming the option and the limit, or NotSupported for an option that it does not serve.
    """

    max_tokens: int | None = _option("most tokens to write, at least 1")
    min_tokens: int | None = _option("fewest tokens to write before the summary may end")
    num_beams: int | None = _option("1 is greedy or sampling, 2 to 16 is beam search")
    temperature: float | None = _option("sampling temperature, 0 to 5; 0 is greedy")
    top_k: int | None = _option("sample only among this many likeliest tokens; 0 is no limit")
    top_p: float | None = _option(
        "sample only among the likeliest tokens of this probability together"
    )
    seed: int | None = _option("seed of the random numbers, for a summary that can be repeated")
    length_penalty: float | None = _option(
        "above 0, beam search prefers longer summaries; -10 to 10"
    )
    repetition_penalty: float | None = _option(
        "divides the odds of tokens already written, up to 10"
    )
    no_repeat_ngram_size: int | None = _option(
        "never write a run of this many tokens twice; 0 to 16"
    )
    num_summaries: int | None = _option("how many summaries to return, best first")
    min_p: float | None = _option("sample only tokens this likely beside the likeliest, 0 up to 1")
    early_stopping: bool | None = _option("end beam search once num_beams summaries are finished")
