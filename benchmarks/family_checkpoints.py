"""Random checkpoints of every family: a tiny one each, and two in the sizes that people use.

The weights are drawn as wide as training leaves them, so that attention looks somewhere and the
likeliest token is ahead of the next: a mistake anywhere shows, and rounding is not taken for one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.processors import TemplateProcessing

from benchmarks.tiny_sizes import TINY_SIZES

# Standard deviation of the scores that the output gives to the words.
_SCORE_SPREAD = 3.0

_T5_SIZES = {
    "vocab_size": 512,
    "d_model": 64,
    "d_kv": 24,
    "d_ff": 128,
    "num_layers": 2,
    "num_heads": 4,
    "n_positions": 256,
    "decoder_start_token_id": 0,
}
_LED_SIZES = {
    **{key: value for key, value in TINY_SIZES.items() if key != "max_position_embeddings"},
    "max_encoder_position_embeddings": 256,
    "max_decoder_position_embeddings": 128,
    "attention_window": [16, 32],
}


@dataclass(frozen=True)
class Checkpoint:
    """What to build: the family's class, and the sizes that differ from its defaults."""

    name: str
    architecture: str
    config: Callable[..., Any]
    sizes: dict[str, Any]


CHECKPOINTS = (
    Checkpoint("BART", "BartForConditionalGeneration", transformers.BartConfig, TINY_SIZES),
    Checkpoint(
        "mBART",
        "MBartForConditionalGeneration",
        transformers.MBartConfig,
        {**TINY_SIZES, "scale_embedding": True, "decoder_start_token_id": 5},
    ),
    Checkpoint(
        "PEGASUS",
        "PegasusForConditionalGeneration",
        transformers.PegasusConfig,
        {**TINY_SIZES, "scale_embedding": True, "activation_function": "relu"},
    ),
    Checkpoint(
        "Marian",
        "MarianMTModel",
        transformers.MarianConfig,
        {
            **TINY_SIZES,
            "scale_embedding": True,
            "activation_function": "swish",
            "pad_token_id": 511,
            "decoder_start_token_id": 511,
        },
    ),
    Checkpoint("T5", "T5ForConditionalGeneration", transformers.T5Config, _T5_SIZES),
    Checkpoint("mT5", "MT5ForConditionalGeneration", transformers.MT5Config, _T5_SIZES),
    Checkpoint("LED", "LEDForConditionalGeneration", transformers.LEDConfig, _LED_SIZES),
    Checkpoint(
        "DistilBART-12-6",
        "BartForConditionalGeneration",
        transformers.BartConfig,
        # BartConfig's defaults are those of facebook/bart-large.
        {"vocab_size": 50264, "decoder_layers": 6},
    ),
    Checkpoint(
        "FLAN-T5-small",
        "T5ForConditionalGeneration",
        transformers.T5Config,
        {
            "vocab_size": 32128,
            "d_model": 512,
            "d_kv": 64,
            "d_ff": 1024,
            "num_layers": 8,
            "num_heads": 6,
            "feed_forward_proj": "gated-gelu",
            "tie_word_embeddings": False,
            "decoder_start_token_id": 0,
            "n_positions": 512,
        },
    ),
)


def build(checkpoint: Checkpoint, directory: Path) -> Any:
    """Writes the checkpoint and returns transformers' model of it, in evaluation mode."""
    model = getattr(transformers, checkpoint.architecture)(checkpoint.config(**checkpoint.sizes))
    _draw(model)
    # Nothing is forced: the table is about networks; the rules of decoding have their own tests.
    model.generation_config = transformers.GenerationConfig(
        **{
            key: getattr(model.config, key)
            for key in ("pad_token_id", "eos_token_id", "decoder_start_token_id")
        }
    )
    model.save_pretrained(directory)
    write_byte_tokenizer(model.config, directory / "tokenizer.json")
    return model.eval()


@torch.no_grad()
def _draw(model: Any) -> None:
    torch.manual_seed(2026)
    config, width = model.config, model.config.d_model
    is_t5 = hasattr(config, "d_kv")
    for name, tensor in model.named_parameters():
        if "norm" in name:
            tensor.add_(0.1 * torch.randn_like(tensor))
        elif tensor.dim() == 1:
            tensor.copy_(0.05 * torch.randn_like(tensor))
        elif "embed_positions" in name:
            if tensor.requires_grad:
                tensor.copy_(torch.randn_like(tensor))
        elif "shared" in name or "lm_head" in name:
            # T5 divides by sqrt(width) where its output is tied.
            is_divided = is_t5 and config.tie_word_embeddings
            spread = _SCORE_SPREAD / (1 if is_divided else width**0.5)
            tensor.copy_(spread * torch.randn_like(tensor))
        elif "relative_attention_bias" in name:
            tensor.copy_(torch.randn_like(tensor))
        else:
            tensor.copy_(torch.randn_like(tensor) / tensor.shape[1] ** 0.5)
            if name.endswith(".q.weight"):  # T5 divides its scores by nothing
                tensor.div_(config.d_kv**0.5)


def write_byte_tokenizer(config: Any, path: Path) -> None:
    """Bytes as tokens, after eight special ones: enough to feed documents to the verification."""
    special = [f"<special_{i}>" for i in range(8)]
    texts = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(BPE({text: i for i, text in enumerate(texts)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text) for text in special])
    end = special[config.eos_token_id]
    tokenizer.post_processor = TemplateProcessing(
        single=["$A", end], special_tokens=[(end, config.eos_token_id)]
    )
    path.write_text(json.dumps(json.loads(tokenizer.to_str())), "utf-8")
