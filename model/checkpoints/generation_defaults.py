"""How a checkpoint wants its summaries written, by its own files.

generation_config.json says; a checkpoint older than that file says it in config.json. On top of
either come config.json's `task_specific_params.summarization`, as in transformers' summarization
pipeline. Nothing is passed over in silence: a setting that would change tokens and that we do not
have is refused by name, and a key that we do not know is listed in `unknown`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.checkpoints.generation_keys import (
    DEFAULT_FORCED_LAST,
    HARMLESS,
    NEUTRAL_VALUES,
    READERS,
    SAMPLING,
    TOKEN_KEYS,
)
from model.checkpoints.json_files import read_object
from model.decoding.decoding_options import BeamOptions
from model.network.config import ConfigError, ModelConfig

GENERATION_FILE = "generation_config.json"
CONFIG_FILE = "config.json"
_TASK = "summarization"
_TASK_SOURCE = f"{CONFIG_FILE}: task_specific_params.{_TASK}"

# Where neither file says how long a summary may be; that of transformers' pipeline.
_DEFAULT_MAX_TOKENS = 256


class GenerationConfigError(ConfigError):
    """Generation settings that we cannot honour; the message lists each key and its value."""


@dataclass(frozen=True, kw_only=True)
class GenerationDefaults:
    """The options to decode with where the caller sets none, and how the document is introduced."""

    options: BeamOptions
    prefix: str  # stands before the document, such as T5's "summarize: "
    read_from: tuple[str, ...]
    samples: bool  # the checkpoint would draw tokens at random; we take the likeliest
    unknown: tuple[str, ...]  # keys that neither we nor transformers' `generate` know


def read_generation_defaults(directory: Path, config: ModelConfig) -> GenerationDefaults:
    """Read a checkpoint's defaults, or raise `GenerationConfigError` listing what is wrong."""
    model_values = read_object(directory / CONFIG_FILE)
    layers = _layers(directory, model_values)
    known = _known_keys()
    said: dict[str, Any] = {}
    unknown: list[str] = []
    for source, values in layers.items():
        said |= {key: value for key, value in values.items() if value is not None}
        if source != CONFIG_FILE:  # that one is full of keys that have nothing to do with us
            unknown += sorted(values.keys() - known)
    prefix = said.get("prefix", model_values.get("prefix")) or ""
    problems = [*_unsupported(said), *_disagreements(said, config)]
    fields, wrong = _fields(said, config)
    problems += wrong
    where = " and ".join(layers) or CONFIG_FILE
    if not isinstance(prefix, str):
        problems.append(f"prefix is {prefix!r}, must be text")
    if not problems:
        try:
            options = BeamOptions(**fields)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise GenerationConfigError(f"{directory}, {where}: " + "; ".join(problems))
    return GenerationDefaults(
        options=options,
        prefix=prefix,
        read_from=tuple(layers),
        samples=said.get("do_sample") is True,
        unknown=tuple(unknown),
    )


def with_room(config: ModelConfig, options: BeamOptions) -> ModelConfig:
    """The configuration with as many positions of a summary as its checkpoint's own settings use.

    Only a network with relative positions, which knows no last one, can be given more: there
    `max_target_positions` is a limit of ours, and no reason to cut what the checkpoint writes.
    """
    if config.positions != "relative" or options.max_tokens <= config.max_target_positions:
        return config
    return replace(config, separate_target_positions=options.max_tokens)


def _layers(directory: Path, model_values: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The settings of each file that has any, by its name; later ones override earlier ones."""
    layers: dict[str, Mapping[str, Any]] = {}
    path = directory / GENERATION_FILE
    if path.exists():
        layers[GENERATION_FILE] = read_object(path)
    elif legacy := _legacy(model_values):
        layers[CONFIG_FILE] = legacy
    tasks = model_values.get("task_specific_params") or {}
    task = tasks.get(_TASK) if isinstance(tasks, dict) else tasks
    if task:
        if not isinstance(task, dict):
            raise GenerationConfigError(f"{_TASK_SOURCE} is {task!r:.60}, must be an object")
        layers[_TASK_SOURCE] = task
    return layers


def _legacy(values: Mapping[str, Any]) -> dict[str, Any]:
    """The generation settings of a config.json, and those its family had where it names none."""
    known = _known_keys() - {"prefix"}
    settings = {key: value for key, value in values.items() if key in known}
    default = DEFAULT_FORCED_LAST.get(values.get("model_type", ""))
    if default is not None:
        settings.setdefault("forced_eos_token_id", default)
    if values.get("force_bos_token_to_be_generated") and not settings.get("forced_bos_token_id"):
        settings["forced_bos_token_id"] = values.get("bos_token_id", 0)
    return settings


def _fields(said: Mapping[str, Any], config: ModelConfig) -> tuple[dict[str, Any], list[str]]:
    """The fields of `BeamOptions`, and what is wrong with their values."""
    fields: dict[str, Any] = {"num_beams": 1}
    problems: list[str] = []
    for key, reader in READERS.items():
        if key not in said:
            continue
        try:
            fields |= reader(said[key])
        except ValueError as error:
            problems.append(f"{key} is {said[key]!r:.60}, {error}")
    limit = config.max_target_positions
    if "max_tokens" not in fields:
        fields["max_tokens"] = max(min(_DEFAULT_MAX_TOKENS, limit), fields.get("min_tokens", 0))
    if fields["max_tokens"] > limit and config.positions != "relative":
        problems.append(f"{fields['max_tokens']} new tokens are over the {limit} positions")
    fields["banned_runs"] = tuple(
        run for run in fields.get("banned_runs", ()) if run != (config.end_id,)
    )
    problems += [
        f"{name} names the token {token}, not below {config.vocabulary_size}"
        for name, token in _tokens(fields)
        if not 0 <= token < config.vocabulary_size
    ]
    if fields.get("forced_last") not in (None, config.end_id):
        problems.append(
            f"forced_eos_token_id is {fields['forced_last']}, "
            f"not the end token {config.end_id} of {CONFIG_FILE}"
        )
    for name in ("forced_first", "forced_last"):
        if fields.get(name) in fields.get("banned_ids", ()):
            problems.append(f"the forced token {fields[name]} is among suppress_tokens")
    return fields, problems


def _tokens(fields: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name in ("forced_first", "forced_last"):
        if fields.get(name) is not None:
            yield name, fields[name]
    for name in ("banned_ids", "not_first_ids"):
        yield from ((name, token) for token in fields.get(name, ()))
    yield from (("bad_words_ids", token) for run in fields["banned_runs"] for token in run)


def _unsupported(said: Mapping[str, Any]) -> Iterator[str]:
    for key, neutral in NEUTRAL_VALUES.items():
        if key in said and said[key] not in neutral:
            yield f"{key}={said[key]!r:.60} is not supported"


def _disagreements(said: Mapping[str, Any], config: ModelConfig) -> Iterator[str]:
    """Tokens that the network would be run with otherwise than its generation settings say."""
    for key, field in TOKEN_KEYS.items():
        if key not in said:
            continue
        value = said[key]
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value != getattr(config, field):
            yield f"{key} is {value!r:.60}, in {CONFIG_FILE} {getattr(config, field)}"


def _known_keys() -> set[str]:
    return {*READERS, *NEUTRAL_VALUES, *SAMPLING, *HARMLESS, *TOKEN_KEYS, "prefix"}
