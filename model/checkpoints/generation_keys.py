"""The keys of a generation_config.json: what each means to us, and which mean nothing to us."""

from collections.abc import Callable, Mapping
from typing import Any

Reader = Callable[[Any], dict[str, Any]]
"""The value of a key -> fields of `BeamOptions`; raises ValueError saying what it must be."""


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def _count(field: str) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if _whole(value) < 0:
            raise ValueError("must not be below 0")
        return {field: value}

    return read


def _length(field: str) -> Reader:
    """A count in which the start token is one; 0 means the same as 1: nothing new."""
    return lambda value: {field: max(_count(field)(value)[field] - 1, 0)}


def _number(field: str) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError("must be a number")
        return {field: float(value)}

    return read


def _token(field: str) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        return {field: _whole(value)}

    return read


def _tokens(field: str) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, list):
            raise ValueError("must be a list of tokens")
        return {field: tuple(_whole(token) for token in value)}

    return read


def _runs(field: str) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, list) or not all(isinstance(run, list) for run in value):
            raise ValueError("must be a list of lists of tokens")
        return {field: tuple(tuple(_whole(token) for token in run) for run in value)}

    return read


def _flag(field: str) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return {field: value}

    return read


READERS: Mapping[str, Reader] = {
    # `max_length` counts the start token and gives way to `max_new_tokens`; so do the minima.
    "max_length": _length("max_tokens"),
    "max_new_tokens": _count("max_tokens"),
    "min_length": _length("min_tokens"),
    "min_new_tokens": _count("min_tokens"),
    "num_beams": _count("num_beams"),
    "length_penalty": _number("length_penalty"),
    "early_stopping": lambda value: {"early_stopping": value},
    "renormalize_logits": _flag("renormalize"),
    "repetition_penalty": _number("repetition_penalty"),
    "no_repeat_ngram_size": _count("no_repeat_ngram_size"),
    "encoder_no_repeat_ngram_size": _count("encoder_no_repeat_ngram_size"),
    "bad_words_ids": _runs("banned_runs"),
    "suppress_tokens": _tokens("banned_ids"),
    "begin_suppress_tokens": _tokens("not_first_ids"),
    "forced_bos_token_id": _token("forced_first"),
    "forced_eos_token_id": _token("forced_last"),
}
"""In the order in which they are read, so that of two keys for one field the later one wins."""

TOKEN_KEYS: Mapping[str, str] = {
    "eos_token_id": "end_id",
    "decoder_start_token_id": "start_id",
}
"""Keys that must say what config.json says: the network is built with those ids."""

NEUTRAL_VALUES: Mapping[str, tuple[Any, ...]] = {
    "num_beam_groups": (1,),
    "diversity_penalty": (0,),
    "penalty_alpha": (0,),
    "constraints": (),
    "force_words_ids": (),
    "sequence_bias": (),
    "encoder_repetition_penalty": (1,),
    "exponential_decay_length_penalty": (),
    "guidance_scale": (1,),
    "stop_strings": (),
    "max_time": (),
    "token_healing": (False,),
    "watermarking_config": (),
    "dola_layers": (),
    "low_memory": (False, True),
}
"""Settings that we do not have, with the values that change nothing (null always changes none)."""

SAMPLING = (
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "epsilon_cutoff",
    "eta_cutoff",
)
"""For drawing tokens at random. We take the likeliest and say so (`GenerationDefaults.samples`)."""

HARMLESS = (
    "_from_model_config",
    "assistant_confidence_threshold",
    "assistant_early_exit",
    "assistant_lookbehind",
    "bos_token_id",
    "cache_config",
    "cache_implementation",
    "compile_config",
    "disable_compile",
    "is_assistant",
    "max_matching_ngram_size",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_logits",
    "output_scores",
    "pad_token_id",
    "prefill_chunk_size",
    "prompt_lookup_num_tokens",
    "remove_invalid_values",
    "return_dict_in_generate",
    "return_legacy_cache",
    "target_lookbehind",
    "transformers_version",
    "use_cache",
)
"""How fast, how much is told, and what a sound model never needs: no matter for the tokens."""

DEFAULT_FORCED_LAST: Mapping[str, int] = {"bart": 2, "mbart": 2, "marian": 0, "pegasus": 1}
"""forced_eos_token_id where a family's config.json leaves it out, by model_type."""
