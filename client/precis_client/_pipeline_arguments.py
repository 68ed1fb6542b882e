"""The keyword arguments of transformers' summarization pipeline, read as fields of a request.

An argument that means something here is passed on. One that does not is accepted with the value
that changes nothing, and refused by name with any other: code never gets another result than it
asked for without being told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from numbers import Real
from typing import Any

from precis_client._convert import RequestFields
from precis_client.options import DecodingOptions
from precis_client.types import LongDocumentPolicy

# What we call by the same name, or another one.
_OPTIONS = {
    "max_new_tokens": "max_tokens",
    "min_new_tokens": "min_tokens",
    "num_beams": "num_beams",
    "early_stopping": "early_stopping",
    "length_penalty": "length_penalty",
    "repetition_penalty": "repetition_penalty",
    "no_repeat_ngram_size": "no_repeat_ngram_size",
    "num_return_sequences": "num_summaries",
}
# transformers counts the decoder's start token in these, so they are one more than ours.
_LENGTHS = {
    "max_length": ("max_new_tokens", "max_tokens"),
    "min_length": ("min_new_tokens", "min_tokens"),
}
_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed")
_SAMPLING_DEFAULTS = {"temperature": 1.0, "top_k": 50}  # transformers' own

# Ours: transformers has nothing like them.
_FIELDS = ("style", "language", "model", "model_version")

# About speed alone; the server forms its batches itself.
_SPEED = ("batch_size", "num_workers", "use_cache")

_TRUNCATION = {
    True: LongDocumentPolicy.TRUNCATE,
    "longest_first": LongDocumentPolicy.TRUNCATE,
    "only_first": LongDocumentPolicy.TRUNCATE,
    False: None,
    "do_not_truncate": None,
}

_ON_SERVER = "the model is loaded by the server: leave it out"
_NOTHING_LIKE_IT = "the server has nothing like it: leave it out"
# Each with the values that change nothing; None never does.
_REFUSED: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "return_text": ((True,), "the pipeline returns texts only: leave it out"),
    "return_tensors": ((False,), "the server sends text, not token ids: leave it out"),
    "return_type": ((), "the pipeline returns texts only: leave it out"),
    "stop_sequence": ((), "use banned_phrases or max_tokens of precis_client.Client"),
    "generation_config": ((), "give its settings as keyword arguments"),
    "max_time": ((), "give pipeline() a client with a bound: client=Client(timeout_s=...)"),
    "bad_words_ids": ((), "use banned_phrases of precis_client.Client, which takes words"),
    "num_beam_groups": ((1,), _NOTHING_LIKE_IT),
    "diversity_penalty": ((0,), _NOTHING_LIKE_IT),
    "typical_p": ((1,), _NOTHING_LIKE_IT),
    "epsilon_cutoff": ((0,), _NOTHING_LIKE_IT),
    "eta_cutoff": ((0,), _NOTHING_LIKE_IT),
    "encoder_repetition_penalty": ((1,), _NOTHING_LIKE_IT),
    "encoder_no_repeat_ngram_size": ((0,), "the model's own value holds: leave it out"),
    "forced_bos_token_id": ((), "the model's own value holds: leave it out"),
    "forced_eos_token_id": ((), "the model's own value holds: leave it out"),
    "renormalize_logits": ((False,), "the model's own value holds: leave it out"),
    "tokenizer": ((), _ON_SERVER),
    "feature_extractor": ((), _ON_SERVER),
    "image_processor": ((), _ON_SERVER),
    "processor": ((), _ON_SERVER),
    "config": ((), _ON_SERVER),
    "framework": ((), _ON_SERVER),
    "dtype": ((), _ON_SERVER),
    "torch_dtype": ((), _ON_SERVER),
    "use_fast": ((True,), _ON_SERVER),
    "trust_remote_code": ((False,), _ON_SERVER),
    "model_kwargs": ((), _ON_SERVER),
    "pipeline_class": ((), _ON_SERVER),
    "device": ((), "the server decides where the model runs (its --provider): leave it out"),
    "device_map": ((), "the server decides where the model runs (its --provider): leave it out"),
    "revision": ((), "name a version that the server has with model_version"),
    "token": (
        (),
        "it is not sent, as it may be a token of the Hugging Face Hub; for a server that wants one "
        "use client=Client(address, tls=True, token=...)",
    ),
}


@dataclass(frozen=True, slots=True)
class CallArguments:
    """What one call of the pipeline asks for."""

    fields: RequestFields
    cleans_up_spaces: bool


def read_arguments(given: Mapping[str, Any]) -> CallArguments:
    """Reads the arguments; ValueError and TypeError name the one that cannot be met."""
    told = {name: value for name, value in given.items() if value is not None}
    if isinstance(strategy := told.get("truncation"), Enum):
        told["truncation"] = strategy.value  # TruncationStrategy.LONGEST_FIRST
    for name, value in told.items():
        _check(name, value)
    fields = RequestFields(options=DecodingOptions(**_options(told)))
    for name in _FIELDS:
        if name in told:
            fields[name] = told[name]  # type: ignore[literal-required]
    if policy := _TRUNCATION[told.get("truncation", False)]:
        fields["long_document_policy"] = policy
    return CallArguments(fields, bool(told.get("clean_up_tokenization_spaces", False)))


def _check(name: str, value: Any) -> None:
    if name in _REFUSED:
        harmless, advice = _REFUSED[name]
        if not any(value is each or value == each for each in harmless):
            raise ValueError(f"{name}={value!r}: {advice}")
    elif name == "truncation":
        if value not in _TRUNCATION:
            raise ValueError(f"truncation={value!r}: must be True or False")
    elif name == "early_stopping":
        if not isinstance(value, bool):
            raise ValueError(f"early_stopping={value!r}: must be True or False")
    elif name in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{name}={value!r}: must be a number")
    elif name not in _KNOWN:
        raise TypeError(
            f"the summarization pipeline has no argument {name!r}; it takes {', '.join(_KNOWN)}"
        )


_NUMBERS = {*_OPTIONS, *_LENGTHS, *_SAMPLING} - {"early_stopping"}
_KNOWN = sorted(
    {*_NUMBERS, *_FIELDS, *_SPEED}
    | {"do_sample", "early_stopping", "truncation", "clean_up_tokenization_spaces"}
)


def _options(told: Mapping[str, Any]) -> dict[str, Any]:
    options = {ours: told[theirs] for theirs, ours in _OPTIONS.items() if theirs in told}
    for theirs, (overrules, ours) in _LENGTHS.items():
        if theirs in told and overrules not in told:
            options[ours] = max(told[theirs] - 1, 0)
    if told.get("max_length", 2) < 2 and "max_new_tokens" not in told:
        raise ValueError(
            f"max_length={told['max_length']}: it counts the decoder's start token, so that "
            "nothing could be written; it must be at least 2"
        )
    return options | _sampling(told)


def _sampling(told: Mapping[str, Any]) -> dict[str, Any]:
    set_ones = {name: told[name] for name in _SAMPLING if name in told}
    if told.get("do_sample"):
        if told.get("num_beams", 1) > 1:
            raise ValueError(
                f"num_beams={told['num_beams']} with do_sample=True: the server searches with "
                "beams or samples, not both; leave one of them out"
            )
        return {"num_beams": 1, **_SAMPLING_DEFAULTS, **set_ones}
    harmless = {"temperature": 1, "top_k": 50, "top_p": 1}
    for name, value in set_ones.items():
        if value != harmless.get(name):
            raise ValueError(
                f"{name}={value!r} does nothing without do_sample=True: add that, or leave "
                f"{name} out"
            )
    return {"temperature": 0.0} if "do_sample" in told else {}
