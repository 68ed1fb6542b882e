"""Networks that end by themselves, and requests to them, in the words of server and oracle."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from bundle.manifest import SpecialTokens
from model.network.transformer import Summarizer
from server.types import DecodingOptions
from tests.fakes.spelling import TINY_SPELLING
from tests.model.factories import make_model

END = 9
SPECIAL = SpecialTokens(pad_id=0, end_id=END, decoder_start_id=0, never_emitted_ids=())

words = st.integers(10, 39)


def make_ending_model(seed: int, *, copy_head: bool, eagerness: float) -> Summarizer:
    """A network whose end token is an ordinary word, which it is more or less eager to write."""
    model = make_model(seed, copy_head=copy_head, output_bias=True)
    model.config = replace(model.config, end_id=END)
    model.output_bias[0, END] = eagerness
    return model


def drawn_options(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[DecodingOptions]:
    """Requests with these fields drawn, and a prefix and banned runs; none asks to end too late."""
    runs = st.lists(st.lists(words, min_size=1, max_size=3).map(tuple)).map(tuple)
    common = {
        "max_tokens": st.integers(1, 9),
        "no_repeat_ngram_size": st.integers(0, 3),
        "no_repeat_word_ngram_size": st.integers(0, 3),
        "only_source_facts": st.booleans(),
        "prefix_ids": st.lists(words, max_size=3).map(tuple),
        "banned_runs": runs,
    }
    return st.fixed_dictionaries(common | fields).map(
        lambda drawn: DecodingOptions(
            **{**drawn, "min_tokens": min(drawn["min_tokens"], drawn["max_tokens"])}
        )
    )


def oracle_rules(options: DecodingOptions, special: SpecialTokens) -> dict[str, Any]:
    """The rules of a request as the oracle's options name them."""
    return {
        "max_tokens": options.max_tokens,
        "min_tokens": options.min_tokens,
        "repetition_penalty": options.repetition_penalty,
        "no_repeat_ngram_size": options.no_repeat_ngram_size,
        "no_repeat_word_ngram_size": options.no_repeat_word_ngram_size,
        "only_source_facts": options.only_source_facts,
        "spelling": TINY_SPELLING,
        "banned_ids": special.never_emitted_ids,
        "banned_runs": options.banned_runs,
        "forced_first": special.forced_first_id,
        "prefix_ids": options.prefix_ids,
        "forced_last": special.forced_last_id,
    }
