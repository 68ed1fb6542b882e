"""Checkpoint to CTranslate2: `python -m benchmarks.peers.convert_ctranslate2 CHECKPOINT TARGET`.

The target's name ends in the type of its weights: `ctranslate2-int8`. Its tokens are named t0, t1
and so on by their ids, so that no tokenizer is needed.
"""

import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from ctranslate2.converters.converter import Converter
from ctranslate2.converters.transformers import _MODEL_LOADERS


class IdConverter(Converter):  # type: ignore[misc]
    """CTranslate2's own loaders, given the attributes that configurations of today leave out."""

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = checkpoint

    @torch.no_grad()
    def _load(self) -> Any:
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
            self._checkpoint, dtype=torch.float32
        )
        config = model.config
        is_pegasus = config.model_type == "pegasus"
        config.normalize_before = is_pegasus
        config.normalize_embedding = not is_pegasus
        loader = _MODEL_LOADERS[type(config).__name__]
        loader.get_vocabulary = lambda model, tokenizer: [
            f"t{token}" for token in range(model.config.vocab_size)
        ]
        return loader(model, _IdTokenizer(config))


class _IdTokenizer:
    """The few things that a loader asks of a tokenizer."""

    def __init__(self, config: Any) -> None:
        self.bos_token = self.pad_token = f"t{config.pad_token_id}"
        self.eos_token = f"t{config.eos_token_id}"
        # No document holds it: every token of ours is known.
        self.unk_token = "t3"  # noqa: S105 - no password

    def convert_ids_to_tokens(self, token: int) -> str:
        return f"t{token}"


def main() -> None:
    """Converts one checkpoint."""
    checkpoint, target = map(Path, sys.argv[1:])
    weights = target.name.rpartition("-")[2]
    IdConverter(checkpoint).convert(str(target), quantization=weights, force=True)


if __name__ == "__main__":
    main()
