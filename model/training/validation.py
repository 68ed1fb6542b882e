"""How good the network is on documents that it does not learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.data.records import Record
from model.evaluation.decoding import decode_by_limit
from model.evaluation.rouge import Rouge, check_languages, rouge
from model.evaluation.rule import max_summary_tokens
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

    def __post_init__(self) -> None:
        check_languages(record.lang for record in self.records[: self.rouge_documents])

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
        mine = range(min(self.rouge_documents, len(self.records)))[workers.rank :: workers.count]
        records = [self.records[index] for index in mine]
        sources = [self.examples[index].source for index in mine]
        limits = [max_summary_tokens(record.style, record.lang) for record in records]
        scores: list[Rouge] = []
        for index, result in decode_by_limit(
            forcing.model, sources, limits, self.layout.scoring, _SUMMARISED_AT_ONCE
        ):
            record = records[index]
            summary = self.layout.tokenizer.decode(result.tokens).strip()
            scores.append(rouge(record.summary, summary, record.lang))
        columns = zip(*(vars(score).values() for score in scores), strict=True)
        return (*(map(sum, columns) if scores else (0.0, 0.0, 0.0)), len(scores))
