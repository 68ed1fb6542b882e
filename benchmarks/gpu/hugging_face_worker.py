"""Hugging Face generate as a contender: `python -m benchmarks.gpu.hugging_face_worker CHECKPOINT`.

With `{"cache": "static"}` its keys and values have a fixed size, and generate compiles the decoder
and captures it by itself, as it does on any GPU.
"""

from collections.abc import Callable
from typing import Any

import torch
import transformers

from benchmarks.gpu.protocol import Job, Ready, Start, Work, serve
from benchmarks.peers.protocol import Tokens, batches

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
    config, generation = model.config, model.generation_config
    generation.forced_bos_token_id = generation.forced_eos_token_id = None

    # Not inference_mode, whose tensors a compiled decoder may not write to.
    @torch.no_grad()
    def work(job: Job) -> Work:
        summaries: Tokens = [[] for _ in job.documents]
        for indices in batches(job.documents, job.batch):
            ids, mask = _padded([job.documents[index] for index in indices], config.pad_token_id)
            rows = model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                do_sample=False,
                num_beams=job.beams,
                max_new_tokens=job.max_tokens,
                min_new_tokens=job.min_tokens or None,
                no_repeat_ngram_size=job.no_repeat_ngram_size or None,
                suppress_tokens=list(job.banned_ids) or None,
                length_penalty=1.0,
                cache_implementation=cache,
            )
            for index, row in zip(indices, rows.tolist(), strict=True):
                summaries[index] = _until_end(row[1:], config.eos_token_id)
        return Work(summaries)

    return work


def _padded(documents: Tokens, pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, documents))
    ids = [[*ids, *[pad_id] * (longest - len(ids))] for ids in documents]
    mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in documents]
    return torch.tensor(ids), torch.tensor(mask)


def _until_end(row: list[int], end_id: int) -> list[int]:
    return row[: row.index(end_id)] if end_id in row else row


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
