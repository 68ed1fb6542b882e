"""A tiny random checkpoint of any family with a tokenizer of its own, and the bundle made of it."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from bundle.load import Bundle, load_bundle
from export.pipeline import ExportConfig, build_unverified
from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from model.network.transformer import Summarizer
from tests.export.torch_registry import keep_the_registry
from tests.model.checkpoints.families.builders import build
from tests.model.checkpoints.tokenizing import checkpoints

keep_the_registry()

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
MAX_POSITIONS = 64

# The families whose tokenizer is another's.
_TOKENIZERS = {"distilbart": "bart", "led": "bart", "flan-t5": "t5"}
# What makes each a network of one layer, or two, with room for a sentence or two.
_BART_SIZES = {
    "encoder_layers": 1,
    "decoder_layers": 1,
    "max_position_embeddings": MAX_POSITIONS,
}
_T5_SIZES = {"num_layers": 1, "num_decoder_layers": 1, "n_positions": MAX_POSITIONS}
_CHANGES: dict[str, dict[str, Any]] = {
    "distilbart": {**_BART_SIZES, "encoder_layers": 2},
    "led": {
        "encoder_layers": 1,
        "decoder_layers": 1,
        "attention_window": [4],
        "max_encoder_position_embeddings": MAX_POSITIONS,
        "max_decoder_position_embeddings": MAX_POSITIONS // 2,
    },
    "t5": {**_T5_SIZES, "num_layers": 2},
    "flan-t5": _T5_SIZES,
    "mt5": _T5_SIZES,
}


@dataclass(frozen=True)
class FamilyBundle:
    """What was made of what."""

    checkpoint: Path
    bundle: Bundle

    @classmethod
    def of(cls, checkpoint: Path, precision: str = "fp32") -> "FamilyBundle":
        """The bundle that was made beside the checkpoint."""
        return cls(checkpoint, load_bundle(_beside(checkpoint, precision)))


def make_checkpoint(family: str, directory: Path, **changes: Any) -> Path:
    """The checkpoint directory `directory/FAMILY`, with the tokenizer in its older files."""
    checkpoint = directory / family
    checkpoint.mkdir(parents=True)
    oracle = checkpoints.MAKERS[_TOKENIZERS.get(family, family)](checkpoint)
    sizes = {**_CHANGES.get(family, _BART_SIZES), "vocab_size": len(oracle)}
    if family == "marian":
        sizes |= {"pad_token_id": len(oracle) - 1, "decoder_start_token_id": len(oracle) - 1}
    if family == "mbart":
        sizes["decoder_start_token_id"] = oracle.convert_tokens_to_ids("zh_CN")
    build(family, checkpoint, **sizes | changes)
    return checkpoint


def make_bundle(checkpoint: Path, precision: str = "fp32") -> FamilyBundle:
    """The bundle beside the checkpoint, as the exporter makes it before it verifies it."""
    directory = _beside(checkpoint, precision)
    directory.mkdir()
    config = ExportConfig(
        checkpoint=checkpoint,
        recipe=None,
        output=directory,
        documents=EXAMPLES,
        precision=precision,
    )
    build_unverified(config, None, directory)
    return FamilyBundle.of(checkpoint, precision)


def _beside(checkpoint: Path, precision: str) -> Path:
    return checkpoint.with_name(f"{checkpoint.name}-{precision}")


def give_copy_head(checkpoint: Path) -> None:
    """Let the network copy, as none of transformers' can."""
    plain = load_checkpoint(checkpoint)
    torch.manual_seed(0)
    copying = Summarizer(replace(plain.config, copy_head=True))
    copying.load_state_dict(plain.state_dict(), strict=False)
    save_checkpoint(copying, checkpoint, torch.float32)


def tame(checkpoint: Path) -> None:
    """Give every projection about the size that training starts from.

    The builders draw them so large that attention is all or nothing: right for finding mistakes,
    but then a rounding to eight bits is as good as a mistake.
    """
    path = checkpoint / "model.safetensors"
    config = json.loads((checkpoint / "config.json").read_text("utf-8"))
    state = load_file(path)
    for name, tensor in state.items():
        if name == "lm_head.weight":
            state[name] = 0.2 * tensor / tensor.std()
        elif tensor.dim() == 2 and not re.search("shared|embed|relative|logits", name):
            state[name] = tensor / tensor.std() / tensor.shape[1] ** 0.5
            if name.endswith(".q.weight"):  # T5 divides its scores by nothing
                state[name] /= config["d_kv"] ** 0.5
    save_file(state, path, metadata={"format": "pt"})
