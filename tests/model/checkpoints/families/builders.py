"""A tiny random checkpoint of each family, built and written by transformers itself.

    model = build("bart", tmp_path)              the directory now holds config.json, *.safetensors
    model = build("led", tmp_path, vocab_size=300)    any key of the family's config may be changed

Every tensor is drawn wide enough that a mistake anywhere moves the logits: norms that are not one,
biases that are not zero, an output bias where the family has one. No tokenizer is written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    LEDConfig,
    LEDForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    MBartConfig,
    MBartForConditionalGeneration,
    MT5Config,
    MT5ForConditionalGeneration,
    PegasusConfig,
    PegasusForConditionalGeneration,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
)

VOCABULARY = 64
FIRST_ORDINARY_ID = 8  # all special tokens of every tiny family lie below
MAX_POSITIONS = 48


@dataclass(frozen=True)
class _Recipe:
    config: Callable[..., Any]
    model: Callable[[Any], PreTrainedModel]
    values: dict[str, Any]


_SIZES = {
    "vocab_size": VOCABULARY,
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 20,
    "max_position_embeddings": MAX_POSITIONS,
}
_T5_SIZES = {
    "vocab_size": VOCABULARY,
    "d_model": 16,
    "d_kv": 6,  # four heads of it are wider than the model: nothing may take width / heads for it
    "d_ff": 24,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 12,
    "n_positions": MAX_POSITIONS,
    "decoder_start_token_id": 0,
}

_RECIPES = {
    "bart": _Recipe(BartConfig, BartForConditionalGeneration, _SIZES),
    "distilbart": _Recipe(
        BartConfig,
        BartForConditionalGeneration,
        {**_SIZES, "encoder_layers": 3, "decoder_layers": 1, "scale_embedding": True},
    ),
    "mbart": _Recipe(
        MBartConfig,
        MBartForConditionalGeneration,
        {**_SIZES, "scale_embedding": True, "decoder_start_token_id": 5},
    ),
    "pegasus": _Recipe(
        PegasusConfig,
        PegasusForConditionalGeneration,
        {**_SIZES, "scale_embedding": True, "activation_function": "relu"},
    ),
    "marian": _Recipe(
        MarianConfig,
        MarianMTModel,
        {
            **_SIZES,
            "scale_embedding": True,
            "activation_function": "swish",
            "pad_token_id": VOCABULARY - 1,
            "decoder_start_token_id": VOCABULARY - 1,
        },
    ),
    "t5": _Recipe(T5Config, T5ForConditionalGeneration, _T5_SIZES),
    "flan-t5": _Recipe(
        T5Config,
        T5ForConditionalGeneration,
        {**_T5_SIZES, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "mt5": _Recipe(MT5Config, MT5ForConditionalGeneration, _T5_SIZES),
    "led": _Recipe(
        LEDConfig,
        LEDForConditionalGeneration,
        {
            **{key: _SIZES[key] for key in _SIZES if key != "max_position_embeddings"},
            "max_encoder_position_embeddings": MAX_POSITIONS,
            "max_decoder_position_embeddings": MAX_POSITIONS - 16,
            "attention_window": [4, 8],
        },
    ),
}

FAMILIES: tuple[str, ...] = tuple(_RECIPES)
"""The names that `build` knows."""


def build(
    family: str, directory: Path, *, seed: int = 0, **config_changes: object
) -> PreTrainedModel:
    """Write a checkpoint to `directory` and return the model it holds, in evaluation mode.

    Marian's pad and start token is its last id: change `vocab_size` together with both.
    """
    recipe = _RECIPES[family]
    model = recipe.model(recipe.config(**{**recipe.values, **config_changes})).eval()
    randomise(model, seed)
    model.save_pretrained(directory)
    return model


@torch.no_grad()
def randomise(model: PreTrainedModel, seed: int = 0) -> None:
    """Draw every tensor anew, the fixed tables of sines left out."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(model.state_dict(keep_vars=True).items()):
        if "embed_positions" in name and not tensor.requires_grad:
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() == 1 and "norm" in name and name.endswith("weight"):
            tensor.copy_(1 + 0.3 * noise)
        else:
            tensor.copy_(_spread(name) * noise)
        if name == "final_logits_bias":  # BART starts with its end token, which would end it all
            tensor[:, model.config.eos_token_id] -= 3


def _spread(name: str) -> float:
    """What is read of the source outweighs the token itself, or each would only repeat itself.

    Queries are small, lest attention sees one key alone and every rounding is magnified; T5's are
    the smallest, since its scores are not scaled.
    """
    if name.endswith((".q.weight", "bias")):
        return 0.1
    if name.endswith(("q_proj.weight", "query.weight", "query_global.weight")):
        return 0.3
    if "embed_positions" in name or "shared" in name:
        return 0.3
    return 1.2 if "encoder_attn" in name or "EncDecAttention" in name else 0.4
