"""What each attention of the zoo is worth in the summariser: small networks, alike but for it.

Every mechanism takes its turn as the copy head's attention, beside a network without a copy head,
and every one as the decoder's attention over the source. All train from the same seed on the same
batches; the default pair (`general`, `multi_head`) also from further seeds, which shows how much
of a difference is luck.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.recipe import recipe
from benchmarks.small_training import (
    END,
    PAD,
    STYLE,
    Budget,
    mean_loss,
    new_network,
    summaries,
    tokenise,
    train,
    train_tokenizer,
)
from model.data.records import read_records
from model.evaluation.bootstrap import differences
from model.evaluation.rouge import mean, rouge
from model.network.config import ModelConfig
from model.network.zoo import ZOO

SMALL = ModelConfig(
    architecture="PegasusForConditionalGeneration",
    vocabulary_size=4096,
    width=128,
    heads=4,
    encoder_layers=2,
    decoder_layers=2,
    encoder_feed_forward_width=512,
    decoder_feed_forward_width=512,
    max_positions=128,
    pad_id=PAD,
    end_id=END,
    start_id=PAD,
    copy_head=True,
    style_token_ids={"headline": STYLE},
)
_EVALUATION_BATCH = 50


@dataclass(frozen=True)
class Variant:
    """One network to train."""

    copy_attention: str | None  # None is a network without a copy head
    cross_attention: str
    seed: int = 0

    @property
    def config(self) -> ModelConfig:
        """The small network with these attentions."""
        if self.copy_attention is None:
            return replace(SMALL, copy_head=False, cross_attention=self.cross_attention)
        return replace(
            SMALL, copy_attention=self.copy_attention, cross_attention=self.cross_attention
        )


def variants(seeds: int) -> list[Variant]:
    """The default first, with each of its seeds; then all that differ from it in one attention."""
    default = Variant(SMALL.copy_attention, SMALL.cross_attention)
    copies = [replace(default, copy_attention=name) for name in (None, *ZOO)]
    crosses = [replace(default, cross_attention=name) for name in ZOO]
    again = [replace(default, seed=seed) for seed in range(seeds)]
    return list(dict.fromkeys([*again, *copies, *crosses]))


def ablate(
    data: Path, budget: Budget, *, seeds: int, limit: int | None, threads: int
) -> dict[str, Any]:
    """Train and score every variant on data/{train,validation,test}.jsonl.xz."""
    torch.set_num_threads(threads)
    names = ("train", "validation", "test")
    records = [read_records(data / f"{name}.jsonl.xz", limit) for name in names]
    tokenizer = train_tokenizer(records[0], SMALL.vocabulary_size)
    pairs = [tokenise(split, tokenizer, SMALL.max_positions) for split in records]
    rows = []
    for variant in variants(seeds):
        model = new_network(variant.config, variant.seed)
        started_s, cpu_started_s = time.perf_counter(), time.process_time()
        label = f"copy {variant.copy_attention}, cross {variant.cross_attention}"
        train(model, pairs[0], budget, variant.seed, label)
        seconds, cpu_seconds = time.perf_counter() - started_s, time.process_time() - cpu_started_s
        texts = summaries(model, pairs[2], tokenizer, _EVALUATION_BATCH)
        each = [
            rouge(record.summary, text, record.lang)
            for record, text in zip(records[2], texts, strict=True)
        ]
        rows.append(
            {
                **asdict(variant),
                "parameters": sum(parameter.numel() for parameter in model.parameters()),
                "validation_loss": mean_loss(model, pairs[1], _EVALUATION_BATCH),
                **asdict(mean(each)),
                "seconds": round(seconds, 1),
                "cpu_seconds": round(cpu_seconds, 1),
                "each_rouge_l": [round(score.rouge_l, 2) for score in each],
                "summaries": texts[:3],
            }
        )
    settings = recipe(
        data=data.name,
        pairs=[len(split) for split in records],
        threads=threads,
        **asdict(budget),
        width=SMALL.width,
        layers=f"{SMALL.encoder_layers}+{SMALL.decoder_layers}",
        vocabulary=SMALL.vocabulary_size,
        source_tokens=SMALL.max_positions,
    )
    return {"recipe": settings, "rows": rows}


def ablation_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table; the first row is the default, which others differ from."""
    lines = [
        "| copy attention | cross-attention | seed | validation loss | ROUGE-1/2/L "
        "| ROUGE-L, difference and 95 % interval | parameters | CPU seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *_lines(report["rows"]),
    ]
    return "\n".join(lines)


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    default = np.array(rows[0]["each_rouge_l"])[:, None]  # [N,1]
    for row in rows:
        (gain,) = differences(np.array(row["each_rouge_l"])[:, None], default)
        is_default = row is rows[0]
        difference = (
            "" if is_default else f"{gain.value:+.1f} ({gain.low:+.1f} to {gain.high:+.1f})"
        )
        scores = " / ".join(f"{row[kind]:.1f}" for kind in ("rouge1", "rouge2", "rouge_l"))
        yield (
            f"| {row['copy_attention'] or 'no copy head'} | {row['cross_attention']} "
            f"| {row['seed']} | {row['validation_loss']:.3f} | {scores} | {difference} "
            f"| {row['parameters']:,} | {row['cpu_seconds']:.0f} |"
        )
