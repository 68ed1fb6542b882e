"""The decoding options of a request."""

from dataclasses import dataclass, field
from typing import Any


def _option(group: str, about: str, *, flags: tuple[str, ...] = (), metavar: str = "N") -> Any:
    """Declares an option that is not set.

    The rest is what `precis summarize` makes of it: where its help lists it, what that says, and
    its flags, if they are to be others than its name.
    """
    return field(
        default=None,
        metadata={"group": group, "about": about, "flags": flags, "metavar": metavar},
    )


LENGTH, BEAMS, SAMPLING, WORDS = "length", "beam search", "sampling", "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingOptions:
    """How to decode one summary. What is left at None takes the default of the model's style.

    There are three ways: greedy, which is the default; beam search, with `num_beams` above 1; and
    sampling, with `temperature` above 0. The server checks ranges and combinations, since only it
    knows the model's limits; it answers InvalidRequest naming the option and the limit, or
    NotSupported for an option that it does not serve.
    """

    max_tokens: int | None = _option(LENGTH, "most tokens to write, at least 1")
    min_tokens: int | None = _option(LENGTH, "fewest tokens to write before the summary may end")
    num_beams: int | None = _option(
        BEAMS,
        "search with this many beams, 2 to 16: slower, often better; 1 is greedy or sampling",
        flags=("--beams", "--num-beams"),
    )
    temperature: float | None = _option(
        SAMPLING,
        "draw each token, 0 to 5: 0.7 stays close to the likeliest, above 1 strays; 0 is greedy",
    )
    top_k: int | None = _option(
        SAMPLING, "sample only among this many likeliest tokens; 0 is no limit"
    )
    top_p: float | None = _option(
        SAMPLING, "sample only among the likeliest tokens of this probability together, up to 1"
    )
    seed: int | None = _option(
        SAMPLING,
        "seed of the random numbers: the same one gives the same summary again "
        "on the same kind of processor",
    )
    length_penalty: float | None = _option(
        BEAMS,
        "above 0 prefers longer summaries, below 0 shorter ones; -10 to 10. Also orders samples",
    )
    repetition_penalty: float | None = _option(
        WORDS, "make tokens already written less likely, from just above 0 to 10; 1 does nothing"
    )
    no_repeat_ngram_size: int | None = _option(
        WORDS, "never write a run of this many tokens twice; 0 to 16"
    )
    num_summaries: int | None = _option(
        LENGTH,
        "how many summaries to return, best first: up to --beams, or up to 16 when sampling",
    )
    min_p: float | None = _option(
        SAMPLING, "sample only tokens this likely beside the likeliest, 0 up to 1"
    )
    early_stopping: bool | None = _option(
        BEAMS, "end once as many summaries as there are beams are finished"
    )
    prefix: str | None = _option(
        WORDS, "what the summary begins with; best without a space at the end", metavar="TEXT"
    )
    banned_phrases: tuple[str, ...] | None = _option(
        WORDS,
        "a word or phrase that the summary must not hold; may be given several times",
        flags=("--ban",),
        metavar="PHRASE",
    )
    speculation: bool | None = _option(
        LENGTH,
        "guess ahead what is copied from the document: faster, and the same summary "
        "(default: on where the server has it)",
    )
    no_repeat_word_ngram_size: int | None = _option(
        WORDS, "never write a run of this many whole words twice, nor break a word for it; 0 to 16"
    )
    only_source_facts: bool | None = _option(
        WORDS, "write no name or number that the document does not hold"
    )
