"""What transformers' `generate` is asked for; optimum's models inherit it."""

from typing import Any

import torch

from benchmarks.peers.protocol import Job, Summarise, Tokens, Work, batches


def summarise_with(model: Any) -> Summarise:
    """A contender of anything that has transformers' `generate`."""
    leave_rules_to_jobs(model)

    @torch.inference_mode()
    def summarise(job: Job) -> Work:
        return Work(summaries_of(model, job))

    return summarise


def leave_rules_to_jobs(model: Any) -> None:
    """The rules come with the job alone: none is left over from the checkpoint."""
    model.generation_config.forced_bos_token_id = None
    model.generation_config.forced_eos_token_id = None


def summaries_of(model: Any, job: Job, **options: Any) -> Tokens:
    """What `generate` writes, end tokens not counted; `options` are more of its own."""
    config = model.config
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
            early_stopping=False,
            length_penalty=1.0,
            **options,
        )
        for index, row in zip(indices, rows.tolist(), strict=True):
            summaries[index] = _until_end(row[1:], config.eos_token_id)
    return summaries


def _padded(documents: Tokens, pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, documents))
    ids = [[*ids, *[pad_id] * (longest - len(ids))] for ids in documents]
    mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in documents]
    return torch.tensor(ids), torch.tensor(mask)


def _until_end(row: list[int], end_id: int) -> list[int]:
    return row[: row.index(end_id)] if end_id in row else row
