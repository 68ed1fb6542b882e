"""config.json is read whole, or refused with the name of what is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from model.checkpoints.config_file import config_from, config_values, read_config
from model.network.config import ConfigError
from tests.model.factories import DEFAULT_CHECKPOINT, TINY


def test_a_config_survives_being_written_and_read() -> None:
    assert config_from(config_values(TINY)) == TINY


def test_the_default_checkpoint_describes_the_default_model() -> None:
    config = read_config(DEFAULT_CHECKPOINT / "config.json")
    assert (config.width, config.heads, config.head_width) == (512, 8, 64)
    assert (config.encoder_layers, config.decoder_layers) == (6, 3)
    assert (config.vocabulary_size, config.max_positions) == (20_000, 1_024)
    assert config.copy_head
    assert (config.copy_attention, config.cross_attention) == ("general", "multi_head")
    assert dict(config.style_token_ids) == {"paper": 2, "headline": 4, "brief": 5, "detailed": 6}


def test_our_own_keys_may_be_absent() -> None:
    values = config_values(TINY)
    for name in ("copy_head", "style_token_ids", "dropout", "copy_attention", "cross_attention"):
        del values[name]
    config = config_from(values)
    assert config == replace(TINY, copy_head=False, style_token_ids={}, dropout=0.0)


def test_keys_that_say_nothing_of_the_network_are_written_back_as_they_came() -> None:
    kept = {"num_beams": 4, "task_specific_params": {"summarization": {"prefix": "summarize: "}}}
    written = config_values(config_from(config_values(TINY) | kept | {"transformers_version": "4"}))
    assert {key: written[key] for key in kept} == kept
    assert "transformers_version" not in written


def test_missing_keys_are_all_named() -> None:
    values = config_values(TINY)
    del values["d_model"], values["eos_token_id"]
    with pytest.raises(ConfigError, match=r"d_model, eos_token_id"):
        config_from(values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activation_function", "quick_gelu"),
        ("scale_embedding", 1),
        ("normalize_before", False),
        ("static_position_embeddings", False),
        ("decoder_attention_heads", 2),
        ("d_model", "16"),
        ("encoder_layers", True),
        ("style_token_ids", {"brief": "5"}),
    ],
)
def test_a_value_the_network_would_not_honour_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        config_from(config_values(TINY) | {name: value})


def test_everything_that_is_wrong_is_told_at_once() -> None:
    values = config_values(TINY) | {
        "activation_function": "tanh",
        "d_model": None,
        "dropout": "low",
    }
    with pytest.raises(ConfigError) as refusal:
        config_from(values)
    assert str(refusal.value) == (
        "missing from config.json: d_model; activation_function='tanh' is not supported; only "
        "gelu, gelu_new, gelu_pytorch_tanh, relu, silu, swish are; dropout is 'low', not a number"
    )


def test_a_file_that_holds_no_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config.json holds a list, not an object"):
        read_config(tmp_path / "config.json")


def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"d_model": \xff')
    with pytest.raises(ConfigError, match=r"config\.json: not JSON in UTF-8: "):
        read_config(tmp_path / "config.json")


@pytest.mark.parametrize("key", ["copy_attention", "cross_attention"])
def test_an_attention_that_is_not_in_the_zoo_is_refused_with_its_key(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: no attention is called 'aditive'.*'additive'"):
        config_from(config_values(TINY) | {key: "aditive"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "width 16 does not divide into 3 heads"),
        ({"width": 5, "heads": 5}, "width 5 must be even"),
        ({"decoder_layers": 0}, "decoder_layers must be at least 1, not 0"),
        ({"end_id": 40}, "end_id is 40, not below 40"),
        ({"style_token_ids": {"brief": 99}}, "'brief'] is 99, not below 40"),
        ({"separate_head_width": 0}, "separate_head_width must be at least 1, not 0"),
        ({"norm_epsilon": 0.0}, "norm_epsilon must be above 0, not 0.0"),
        ({"dropout": 1.0}, "dropout is 1.0, not from 0 to below 1"),
        ({"positions": "rotary"}, "positions='rotary' is none of sinusoidal, learned, relative"),
        ({"positions": "relative", "relative_buckets": 5}, "relative_buckets 5 must be even"),
        (
            {"positions": "relative", "relative_max_distance": 16},
            "relative_max_distance 16 must be above 16, half of 32 relative_buckets",
        ),
        ({"attention_windows": (4,)}, "there are 1 attention_windows for 2 encoder layers"),
        ({"attention_windows": (4, 3)}, "attention_windows must be even, and 2 or more, not 3"),
    ],
)
def test_an_impossible_geometry_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        replace(TINY, **change)
    assert message in str(refusal.value)
