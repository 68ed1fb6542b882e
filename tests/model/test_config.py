"""config.json is read whole, or refused with the name of what is wrong."""

from dataclasses import replace

import pytest

from model.config import ConfigError, ModelConfig
from tests.model.factories import DEFAULT_CHECKPOINT, TINY


def test_a_config_survives_being_written_and_read() -> None:
    assert ModelConfig.from_dict(TINY.to_dict()) == TINY


def test_the_default_checkpoint_describes_the_default_model() -> None:
    config = ModelConfig.from_file(DEFAULT_CHECKPOINT / "config.json")
    assert (config.width, config.heads, config.head_width) == (512, 8, 64)
    assert (config.encoder_layers, config.decoder_layers) == (6, 3)
    assert (config.vocabulary_size, config.max_positions) == (20_000, 1_024)
    assert config.copy_head
    assert (config.copy_attention, config.cross_attention) == ("general", "multi_head")
    assert dict(config.style_token_ids) == {"paper": 2, "headline": 4, "brief": 5, "detailed": 6}


def test_our_own_keys_may_be_absent() -> None:
    values = TINY.to_dict()
    for name in ("copy_head", "style_token_ids", "dropout", "copy_attention", "cross_attention"):
        del values[name]
    config = ModelConfig.from_dict(values)
    assert config == replace(TINY, copy_head=False, style_token_ids={}, dropout=0.0)


@pytest.mark.parametrize("architectures", [["BartForConditionalGeneration"], [], None])
def test_an_unknown_architecture_is_refused_by_name(architectures: list[str] | None) -> None:
    values = TINY.to_dict() | {"architectures": architectures}
    name = architectures[0] if architectures else "(none named)"
    with pytest.raises(ConfigError) as refusal:
        ModelConfig.from_dict(values)
    assert repr(name) in str(refusal.value)
    assert "PegasusForConditionalGeneration" in str(refusal.value)


def test_missing_keys_are_all_named() -> None:
    values = TINY.to_dict()
    del values["d_model"], values["eos_token_id"]
    with pytest.raises(ConfigError, match=r"d_model, eos_token_id"):
        ModelConfig.from_dict(values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activation_function", "relu"),
        ("scale_embedding", False),
        ("normalize_before", False),
        ("tie_word_embeddings", False),
        ("decoder_attention_heads", 2),
    ],
)
def test_a_value_the_network_would_not_honour_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        ModelConfig.from_dict(TINY.to_dict() | {name: value})


@pytest.mark.parametrize("key", ["copy_attention", "cross_attention"])
def test_an_attention_that_is_not_in_the_zoo_is_refused_with_its_key(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: no attention is called 'aditive'.*'additive'"):
        ModelConfig.from_dict(TINY.to_dict() | {key: "aditive"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "width 16 does not divide into 3 heads"),
        ({"width": 5, "heads": 5}, "width 5 must be even"),
        ({"decoder_layers": 0}, "decoder_layers must be at least 1, not 0"),
        ({"end_id": 40}, "end_id is 40, not below 40"),
        ({"style_token_ids": {"brief": 99}}, "'brief'] is 99, not below 40"),
    ],
)
def test_an_impossible_geometry_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        replace(TINY, **change)
    assert message in str(refusal.value)
