"""What transformers' `generate` is asked for; optimum's models inherit it."""

from typing import Any

import torch

from benchmarks.peers.protocol import Job, Summarise, Work, batches


def summarise_with(model: Any) -> Summarise:
    """A contender of anything that has transformers' `generate`."""
    config = model.config
    # The rules come with the job alone: none is left over from the checkpoint.
    model.generation_config.forced_bos_token_id = None
    model.generation_config.forced_eos_token_id = None

    @torch.inference_mode()
    def summarise(job: Job) -> Work:
        summaries: list[list[int]] = [[] for _ in job.documents]
        for indices in batches(job.documents, job.batch):
            documents = [job.documents[index] for index in indices]
            ids, mask = _padded(documents, config.pad_token_id)
            rows = model.generate(
                input_ids=ids,
                attention_mask=mask,
                do_sample=False,
                num_beams=job.beams,
                max_new_tokens=job.max_tokens,
                min_new_tokens=job.min_tokens or None,
                no_repeat_ngram_size=job.no_repeat_ngram_size or None,
                suppress_tokens=list(job.banned_ids) or None,
                early_stopping=False,
                length_penalty=1.0,
            )
            for index, row in zip(indices, rows.tolist(), strict=True):
                summaries[index] = _until_end(row[1:], config)
        return Work(summaries)

    return summarise


def _padded(documents: list[list[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, documents))
    ids = [[*ids, *[pad_id] * (longest - len(ids))] for ids in documents]
    mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in documents]
    return torch.tensor(ids), torch.tensor(mask)


def _until_end(row: list[int], config: Any) -> list[int]:
    return row[: row.index(config.eos_token_id)] if config.eos_token_id in row else row
