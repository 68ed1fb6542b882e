"""How good the network is on documents that it does not learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import torch

from model.decoding_options import GreedyOptions
from model.evaluation.rouge import Rouge, rouge
from model.evaluation.rule import NO_REPEAT_NGRAM_SIZE, max_summary_tokens
from model.generate import greedy_batch
from model.records import Record
from model.training.batches import collate, sorted_batches
from model.training.distributed import Workers
from model.training.examples import Examples
from model.training.layout import Layout
from model.training.loss import TeacherForcing

_SUMMARISED_AT_ONCE = 16


@dataclass(frozen=True)
class Scores:
    """The negative log-likelihood of a token, and mean ROUGE where it was asked for."""

    loss: float
    rouge: Rouge | None

    def better_than(self, other: "Scores | None", metric: str) -> bool:
        """Whether these are the best so far."""
        if other is None:
            return True
        if metric == "loss":
            return self.loss < other.loss
        assert self.rouge is not None
        assert other.rouge is not None
        return self.rouge.rouge_l > other.rouge.rouge_l

    def __str__(self) -> str:
        scored = "" if self.rouge is None else f", ROUGE-1/2/L {self.rouge}"
        return f"loss {self.loss:.4f}{scored}"


@dataclass
class Validation:
    """Records, the same as examples in the same order, and how many of them to summarise."""

    records: Sequence[Record]
    examples: Examples
    layout: Layout
    batch_tokens: int
    rouge_documents: int = 0

    @torch.inference_mode()
    def scores(self, forcing: TeacherForcing, workers: Workers) -> Scores:
        """Score the network, each process its part of the documents."""
        was_training = forcing.training
        forcing.eval()
        sums = torch.zeros(6, dtype=torch.float64)
        sums[:2] = torch.tensor(self._loss(forcing, workers))
        if self.rouge_documents:
            sums[2:] = torch.tensor(self._rouge(forcing, workers))
        loss, tokens, *rouges, documents = workers.sum(sums.to(workers.device)).tolist()
        forcing.train(was_training)
        mean = Rouge(*(score / documents for score in rouges)) if documents else None
        return Scores(loss / tokens, mean)

    def _loss(self, forcing: TeacherForcing, workers: Workers) -> tuple[float, int]:
        config = forcing.model.config
        lengths = list(zip(self.examples.source_lengths, self.examples.target_lengths, strict=True))
        loss, tokens = 0.0, 0
        for indices in list(sorted_batches(lengths, self.batch_tokens))[
            workers.rank :: workers.count
        ]:
            examples = [self.examples[index] for index in indices]
            batch = collate(examples, config.pad_id, config.start_id)
            loss += float(forcing(batch.to(workers.device))[1])
            tokens += batch.target_tokens
        return loss, tokens

    def _rouge(self, forcing: TeacherForcing, workers: Workers) -> tuple[float, ...]:
        config = forcing.model.config
        mine = range(min(self.rouge_documents, len(self.records)))[workers.rank :: workers.count]
        limits = [max_summary_tokens(record.style, record.lang) for record in self.records]
        scores: list[Rouge] = []
        order = sorted(mine, key=lambda i: (limits[i], self.examples.source_lengths[i]))
        for limit, group in groupby(order, key=limits.__getitem__):
            options = GreedyOptions(
                max_tokens=min(limit, config.max_target_positions),
                no_repeat_ngram_size=NO_REPEAT_NGRAM_SIZE,
                banned_ids=(config.pad_id,),
                forced_first=self.layout.forced_first,
            )
            while batch := list(islice(group, _SUMMARISED_AT_ONCE)):
                sources = [self.examples[index].source for index in batch]
                results = greedy_batch(forcing.model, sources, options)
                for index, result in zip(batch, results, strict=True):
                    record = self.records[index]
                    summary = self.layout.tokenizer.decode(result.tokens).strip()
                    scores.append(rouge(record.summary, summary, record.lang))
        columns = zip(*(vars(score).values() for score in scores), strict=True)
        return (*(map(sum, columns) if scores else (0.0, 0.0, 0.0)), len(scores))
