"""Hugging Face generate as a contender: `python -m benchmarks.peers.transformers_worker MODEL`."""

from pathlib import Path

import torch
import transformers

from benchmarks.peers.generation import summarise_with
from benchmarks.peers.protocol import Summarise, serve


def load(checkpoint: Path, threads: int) -> Summarise:
    """fp32 with PyTorch's own attention kernels."""
    torch.set_num_threads(threads)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="sdpa"
    )
    return summarise_with(model.eval())


if __name__ == "__main__":
    serve(load, ["transformers", "torch"])
