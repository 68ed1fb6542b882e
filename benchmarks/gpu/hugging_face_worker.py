"""Hugging Face generate as a contender: `python -m benchmarks.gpu.hugging_face_worker CHECKPOINT`.

With `{"cache": "static"}` its keys and values have a fixed size, and generate compiles the decoder
and captures it by itself, as it does on any GPU.
"""

from collections.abc import Callable
from typing import Any

import torch
import transformers

from benchmarks.gpu.protocol import Job, Ready, Start, Work, serve
from benchmarks.peers.generation import leave_rules_to_jobs, summaries_of

_DTYPES = {"cuda": torch.float16, "cpu": torch.float32}


def load(start: Start) -> Ready:
    """In half precision on a GPU, with PyTorch's own attention kernels."""
    device = torch.device(start.device)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        start.model, dtype=_DTYPES[start.device], attn_implementation="sdpa"
    )
    model = model.to(device).eval()
    facts = {"versions": _versions(), "device": _name(device)}
    return Ready(worker(model, start.options.get("cache")), facts, lambda: used_bytes(device))


def worker(model: Any, cache: str | None) -> Callable[[Job], Work]:
    """What does the jobs of anything that has transformers' `generate`."""
    leave_rules_to_jobs(model)

    # Not inference_mode, whose tensors a compiled decoder may not write to.
    @torch.no_grad()
    def work(job: Job) -> Work:
        return Work(summaries_of(model, job, cache_implementation=cache))

    return work


def _versions() -> dict[str, str]:
    return {
        "torch": torch.__version__,
        "CUDA of torch": str(torch.version.cuda),
        "transformers": transformers.__version__,
    }


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor"


def used_bytes(device: torch.device) -> int:
    """Memory of a GPU that is taken, by whomever."""
    if device.type != "cuda":
        return 0
    free, total = torch.cuda.mem_get_info(device)
    return total - free


if __name__ == "__main__":
    serve(load)
