"""Training small networks from scratch on one set of pairs, alike but for what is compared.

The loss is the trainer's (model/training/loss.py); the rest is deliberately plain, so that a
comparison depends on few choices: one tokenizer, one order of batches, one AdamW for all. A network
worth keeping is trained by `python -m model train`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

from bundle.normalise import normalise
from model.data.records import Record
from model.decoding.decoding_options import GreedyOptions
from model.decoding.generate import greedy_batch
from model.network.config import ModelConfig
from model.network.transformer import Summarizer
from model.progress import ProgressBar
from model.training.batches import collate
from model.training.examples import Example
from model.training.loss import TeacherForcing

PAD, END, STYLE = 0, 1, 2
SPECIAL_TOKENS = ("<pad>", "</s>", "<headline>")
MAX_TARGET_TOKENS = 32


@dataclass(frozen=True)
class Budget:
    """How long a network trains, the same for all that are compared."""

    steps: int
    batch_size: int = 16
    learning_rate: float = 2e-3  # at its highest, after the warm-up; then linear to zero
    warm_up: int = 50


def train_tokenizer(records: Sequence[Record], size: int) -> Tokenizer:
    """A byte-level BPE of `size` tokens on documents and summaries."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (normalise(text) for record in records for text in (record.document, record.summary))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tokenise(records: Sequence[Record], tokenizer: Tokenizer, max_source: int) -> list[Example]:
    """Style token, document, end token; both sides cut to fit."""
    documents = tokenizer.encode_batch([normalise(record.document) for record in records])
    summaries = tokenizer.encode_batch([normalise(record.summary) for record in records])
    return [
        Example(
            record.id,
            [STYLE, *document.ids[: max_source - 2], END],
            [*summary.ids[: MAX_TARGET_TOKENS - 1], END],
        )
        for record, document, summary in zip(records, documents, summaries, strict=True)
    ]


def new_network(config: ModelConfig, seed: int) -> Summarizer:
    """Fresh weights: embeddings of unit length, so that the first guesses are all alike."""
    torch.manual_seed(seed)
    model = Summarizer(config)
    nn.init.normal_(model.embedding.tokens.weight, std=config.width**-0.5)
    return model


def train(
    model: Summarizer, pairs: Sequence[Example], budget: Budget, seed: int, description: str
) -> None:
    """Run the budget with AdamW; the order of the pairs depends on the seed alone."""
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=budget.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, budget))
    batches = islice(_batches(pairs, budget.batch_size, seed), budget.steps)
    model.train()
    loss = TeacherForcing(model)
    for examples in ProgressBar(batches, total=budget.steps, unit="step", desc=description):
        batch = collate(examples, PAD, PAD)
        total, _ = loss(batch)
        optimiser.zero_grad()
        (total / batch.target_tokens).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    model.eval()


@torch.inference_mode()
def mean_loss(model: Summarizer, pairs: Sequence[Example], batch_size: int) -> float:
    """-log p of a token in nats, the mean over all tokens of all pairs."""
    loss, total, count = TeacherForcing(model), 0.0, 0
    for start in range(0, len(pairs), batch_size):
        batch = collate(pairs[start : start + batch_size], PAD, PAD)
        total += float(loss(batch)[1])
        count += batch.target_tokens
    return total / count


def summaries(
    model: Summarizer, pairs: Sequence[Example], tokenizer: Tokenizer, batch_size: int
) -> list[str]:
    """Greedy summaries, without repeated runs of three tokens."""
    options = GreedyOptions(
        max_tokens=MAX_TARGET_TOKENS, no_repeat_ngram_size=3, banned_ids=(PAD, STYLE)
    )
    texts: list[str] = []
    for start in range(0, len(pairs), batch_size):
        sources = [pair.source for pair in pairs[start : start + batch_size]]
        results = greedy_batch(model, sources, options)
        texts += [tokenizer.decode(result.tokens).strip() for result in results]
    return texts


def _batches(pairs: Sequence[Example], size: int, seed: int) -> Iterator[list[Example]]:
    """Whole batches without end: each epoch in a new order, what is left over dropped."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(pairs), generator=generator).tolist()
        for start in range(0, len(pairs) - size + 1, size):
            yield [pairs[index] for index in order[start : start + size]]


def _rate(step: int, budget: Budget) -> float:
    return min((step + 1) / budget.warm_up, (budget.steps - step) / budget.steps)
