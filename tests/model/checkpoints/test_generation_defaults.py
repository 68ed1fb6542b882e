"""A checkpoint's own generation settings become options, or are refused by name."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.checkpoints.config_file import read_config
from model.checkpoints.generation_defaults import (
    GenerationConfigError,
    GenerationDefaults,
    read_generation_defaults,
    with_room,
)
from model.decoding.decoding_options import BeamOptions
from model.network.config import ConfigError, ModelConfig
from tests.model.factories import DEFAULT_CHECKPOINT, TINY


def read(
    directory: Path,
    generation: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    network: ModelConfig = TINY,
) -> GenerationDefaults:
    (directory / "config.json").write_text(json.dumps(config or {}), encoding="utf-8")
    if generation is not None:
        text = json.dumps(generation)
        (directory / "generation_config.json").write_text(text, encoding="utf-8")
    return read_generation_defaults(directory, network)


def test_the_embedded_checkpoint_forces_no_token_whatever_its_config_says() -> None:
    config = read_config(DEFAULT_CHECKPOINT / "config.json")
    defaults = read_generation_defaults(DEFAULT_CHECKPOINT, config)
    assert defaults.options == BeamOptions(max_tokens=128, no_repeat_ngram_size=3, num_beams=1)
    assert defaults.read_from == ("generation_config.json",)


def test_lengths_with_the_start_token_become_counts_of_new_tokens(tmp_path: Path) -> None:
    options = read(tmp_path, {"max_length": 20, "min_length": 5}).options
    assert (options.max_tokens, options.min_tokens) == (19, 4)


def test_new_token_counts_win_over_lengths(tmp_path: Path) -> None:
    said = {"max_new_tokens": 9, "max_length": 20, "min_new_tokens": 2, "min_length": 5}
    options = read(tmp_path, said).options
    assert (options.max_tokens, options.min_tokens) == (9, 2)


def test_no_length_at_all_is_as_much_as_the_network_has_positions_for(tmp_path: Path) -> None:
    assert read(tmp_path).options.max_tokens == TINY.max_positions
    long = replace(TINY, max_positions=1024)
    assert read(tmp_path, network=long).options.max_tokens == 256


def test_relative_positions_leave_room_for_whatever_length_the_checkpoint_states(
    tmp_path: Path,
) -> None:
    relative = replace(TINY, positions="relative")
    options = read(tmp_path, {"max_length": 100}, network=relative).options
    assert options.max_tokens == 99
    assert with_room(relative, options).max_target_positions == 99
    assert with_room(relative, options).max_positions == TINY.max_positions
    for network in (relative, TINY):
        assert with_room(network, BeamOptions(max_tokens=32)) == network


def test_every_setting_of_transformers_has_its_place(tmp_path: Path) -> None:
    said = {
        "num_beams": 4,
        "length_penalty": 2,
        "early_stopping": "never",
        "renormalize_logits": True,
        "repetition_penalty": 1.5,
        "no_repeat_ngram_size": 3,
        "encoder_no_repeat_ngram_size": 4,
        "bad_words_ids": [[9], [8, 7], [1]],  # the end token alone is never a bad word
        "suppress_tokens": [10, 11],
        "begin_suppress_tokens": [12],
        "forced_bos_token_id": 6,
        "forced_eos_token_id": [1],
        "eos_token_id": [1],
        "max_length": 21,
    }
    assert read(tmp_path, said).options == BeamOptions(
        max_tokens=20,
        num_beams=4,
        length_penalty=2.0,
        early_stopping="never",
        renormalize=True,
        repetition_penalty=1.5,
        no_repeat_ngram_size=3,
        encoder_no_repeat_ngram_size=4,
        banned_runs=((9,), (8, 7)),
        banned_ids=(10, 11),
        not_first_ids=(12,),
        forced_first=6,
        forced_last=1,
    )


def test_the_task_overrides_the_file_and_brings_the_prefix(tmp_path: Path) -> None:
    task = {"prefix": "summarize: ", "num_beams": 4, "max_length": 11}
    config = {"prefix": "translate: ", "task_specific_params": {"summarization": task, "other": {}}}
    defaults = read(tmp_path, {"num_beams": 2, "min_length": 3}, config)
    assert defaults.prefix == "summarize: "
    assert defaults.options == BeamOptions(num_beams=4, max_tokens=10, min_tokens=2)
    assert defaults.read_from == (
        "generation_config.json",
        "config.json: task_specific_params.summarization",
    )


def test_a_prefix_of_config_json_counts_where_the_task_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, {}, {"prefix": " "}).prefix == " "
    task = {"task_specific_params": {"summarization": {"prefix": ""}}}
    assert read(tmp_path, {}, {"prefix": " ", **task}).prefix == ""


def test_config_json_counts_only_without_a_generation_config(tmp_path: Path) -> None:
    config = {"num_beams": 6, "forced_eos_token_id": 1, "vocab_size": 40}
    defaults = read(tmp_path, None, config)
    assert (defaults.options.num_beams, defaults.options.forced_last) == (6, 1)
    assert defaults.read_from == ("config.json",)
    assert defaults.unknown == ()
    options = read(tmp_path, {}, config).options
    assert (options.num_beams, options.forced_last) == (1, None)


@pytest.mark.parametrize(
    ("config", "forced"),
    [
        ({"model_type": "pegasus"}, (None, 1)),  # what its config class fills in
        ({"model_type": "pegasus", "forced_eos_token_id": None}, (None, None)),
        ({"model_type": "t5"}, (None, None)),
        ({"force_bos_token_to_be_generated": True, "bos_token_id": 7}, (7, None)),
    ],
)
def test_old_files_force_what_their_family_forced(
    tmp_path: Path, config: dict[str, Any], forced: tuple[int | None, int | None]
) -> None:
    options = read(tmp_path, None, config).options
    assert (options.forced_first, options.forced_last) == forced


def test_sampling_is_reported_and_unknown_keys_are_listed(tmp_path: Path) -> None:
    said = {"do_sample": True, "temperature": 0.7, "zeal": 3, "transformers_version": "4.57.6"}
    defaults = read(tmp_path, said)
    assert defaults.samples
    assert defaults.unknown == ("zeal",)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"num_beam_groups": 2, "diversity_penalty": 0.5}, "num_beam_groups=2 is not supported"),
        ({"penalty_alpha": 0.6}, "penalty_alpha=0.6 is not supported"),
        ({"force_words_ids": [[3]]}, r"force_words_ids=\[\[3\]\] is not supported"),
        ({"num_beams": "four"}, "num_beams is 'four', must be a whole number"),
        ({"num_beams": 0}, "num_beams must be at least 1, not 0"),
        ({"max_length": -1}, "max_length is -1, must not be below 0"),
        ({"max_length": 1}, "max_tokens must be at least 1, not 0"),
        ({"max_length": 99}, "98 new tokens are over the 32 positions"),
        ({"max_length": 9, "min_length": 12}, "between 0 and max_tokens=8, not 11"),
        ({"length_penalty": True}, "length_penalty is True, must be a number"),
        ({"early_stopping": "soon"}, "early_stopping must be True, False or 'never', not 'soon'"),
        ({"renormalize_logits": 1}, "renormalize_logits is 1, must be true or false"),
        ({"bad_words_ids": [3]}, "must be a list of lists of tokens"),
        ({"bad_words_ids": [[]]}, "an empty run"),
        ({"suppress_tokens": [40]}, "banned_ids names the token 40, not below 40"),
        ({"eos_token_id": [1, 2]}, r"eos_token_id is \[1, 2\], in config.json 1"),
        ({"decoder_start_token_id": 2}, "decoder_start_token_id is 2, in config.json 0"),
        ({"forced_eos_token_id": 2}, "forced_eos_token_id is 2, not the end token 1"),
        ({"forced_bos_token_id": 6, "suppress_tokens": [6]}, "6 is among suppress_tokens"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    tmp_path: Path, said: dict[str, Any], message: str
) -> None:
    with pytest.raises(GenerationConfigError, match=message):
        read(tmp_path, said)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(GenerationConfigError, match=r"penalty_alpha.*num_beams is 'x'"):
        read(tmp_path, {"penalty_alpha": 1, "num_beams": "x"})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"task_specific_params": {"summarization": 3}}, "is 3, must be an object"),
        ({"prefix": 3}, "prefix is 3, must be text"),
    ],
)
def test_a_config_of_the_wrong_kind_is_refused(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(GenerationConfigError, match=message):
        read(tmp_path, {}, config)


@pytest.mark.parametrize("text", ["{", "[]", "\ud800"])
def test_a_file_that_is_no_json_object_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    content = text.encode("utf-8", "surrogatepass")
    (tmp_path / "generation_config.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"generation_config\.json(: not JSON| holds a list)"):
        read_generation_defaults(tmp_path, TINY)
