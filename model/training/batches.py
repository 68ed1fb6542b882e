"""Batches of about as many tokens each, in an order that only the seed and the past decide.

    B batch    S source    T target

Examples are drawn from the sources by their shares, a pool at a time. A pool is sorted by length
and cut into batches of `tokens`, padding counted, so little of a batch is padding; then its batches
are shuffled. `state` is four small things, and restoring them gives the same batches again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.training.examples import Example, Examples

IGNORED = -100
"""The target id of padding."""


@dataclass(frozen=True)
class Batch:
    """Examples side by side, padded on the right."""

    source: Tensor  # [B,S]
    source_lengths: Tensor  # [B]
    target_in: Tensor  # [B,T], the start token first
    target_out: Tensor  # [B,T], `IGNORED` where there is nothing
    start: Tensor | None = None  # [B], the place of each row's first source token; None is 0

    @property
    def target_tokens(self) -> int:
        """Tokens to say, padding left out."""
        return int((self.target_out != IGNORED).sum())

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        if device.type == "cpu":
            return self
        tensors = (
            self.source,
            self.source_lengths,
            self.target_in,
            self.target_out,
            self.start,
        )
        moved = (t if t is None else t.pin_memory().to(device, non_blocking=True) for t in tensors)
        return Batch(*moved)

    def shifted(self, share: float, places: int) -> "Batch":
        """The same with the sources of a random share of rows at random places below `places`.

        So every position is trained, though few documents are long enough to reach the last.
        """
        count, length = self.source.shape
        anywhere = torch.randint(max(1, places - length + 1), (count,))
        return replace(self, start=torch.where(torch.rand(count) < share, anywhere, 0))


def collate(examples: Sequence[Example], pad_id: int, start_id: int) -> Batch:
    """Put examples side by side."""
    shape = (len(examples), max(len(example.source) for example in examples))
    source = torch.full(shape, pad_id)
    shape = (len(examples), max(len(example.target) for example in examples))
    target_in, target_out = torch.full(shape, pad_id), torch.full(shape, IGNORED)
    target_in[:, 0] = start_id
    for row, example in enumerate(examples):
        target = torch.tensor(example.target)
        source[row, : len(example.source)] = torch.tensor(example.source)
        target_in[row, 1 : len(target)] = target[:-1]
        target_out[row, : len(target)] = target
    lengths = torch.tensor([len(example.source) for example in examples])
    return Batch(source, lengths, target_in, target_out)


def sorted_batches(lengths: Sequence[tuple[int, int]], tokens: int) -> Iterator[list[int]]:
    """Cut indices, sorted by (source, target) length, into batches of at most `tokens`."""
    batch: list[int] = []
    longest_source = longest_target = 0
    for index in sorted(range(len(lengths)), key=lambda index: (lengths[index], index)):
        longest_source = max(longest_source, lengths[index][0])
        longest_target = max(longest_target, lengths[index][1])
        if batch and (len(batch) + 1) * (longest_source + longest_target) > tokens:
            yield batch
            batch, (longest_source, longest_target) = [], lengths[index]
        batch.append(index)
    if batch:
        yield batch


class BatchStream:
    """Batches without end, drawn from several sources."""

    def __init__(
        self,
        sources: Sequence[Examples],
        shares: Callable[[float], Sequence[float]],
        tokens: int,
        pool: int,
        seed: int,
    ) -> None:
        self._sources, self._shares, self._seed = sources, shares, seed
        self._tokens, self._pool_tokens = tokens, tokens * pool
        self._order = lru_cache(maxsize=2 * len(sources))(self._shuffled)
        self._pool_number = 0
        self._progress = 0.0  # of the run when the pool was drawn
        self._drawn = [0] * len(sources)  # from each source before the pool
        self._taken = 0  # batches of the pool handed out
        self._drawn_after = self._drawn
        self._batches: list[list[tuple[int, int]]] = []

    def next(self, progress: float) -> list[Example]:
        """The next batch; its pool is drawn by the shares at this progress if it is a new one."""
        if self._taken == len(self._batches):
            if self._batches:
                self._pool_number += 1
            self._progress, self._drawn, self._taken = progress, self._drawn_after, 0
            self._draw()
        batch = self._batches[self._taken]
        self._taken += 1
        return [self._sources[source][index] for source, index in batch]

    def state(self) -> dict[str, Any]:
        """Where the stream stands."""
        return {
            "pool": self._pool_number,
            "progress": self._progress,
            "drawn": list(self._drawn),
            "taken": self._taken,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken, over the same sources."""
        self._pool_number, self._progress = state["pool"], state["progress"]
        self._drawn, self._taken = list(state["drawn"]), state["taken"]
        if self._taken:
            self._draw()

    def _draw(self) -> None:
        generator = np.random.default_rng((self._seed, 0, self._pool_number))
        shares = np.asarray(self._shares(self._progress))
        drawn, room = list(self._drawn), self._pool_tokens
        picked: list[tuple[int, int]] = []
        while room > 0:
            for source in generator.choice(len(shares), size=256, p=shares / shares.sum()):
                index = self._example(int(source), drawn[source])
                drawn[source] += 1
                picked.append((int(source), index))
                room -= sum(self._lengths(picked[-1]))
                if room <= 0:
                    break
        self._drawn_after = drawn
        lengths = [self._lengths(pick) for pick in picked]
        batches = [[picked[i] for i in batch] for batch in sorted_batches(lengths, self._tokens)]
        self._batches = [batches[i] for i in generator.permutation(len(batches))]

    def _example(self, source: int, count: int) -> int:
        """The index of the count-th example drawn from a source: all of them, then all again."""
        epoch, place = divmod(count, len(self._sources[source]))
        return int(self._order(source, epoch)[place])

    def _shuffled(self, source: int, epoch: int) -> np.ndarray:
        generator = np.random.default_rng((self._seed, 1, source, epoch))
        return generator.permutation(len(self._sources[source]))

    def _lengths(self, pick: tuple[int, int]) -> tuple[int, int]:
        source, index = pick
        examples = self._sources[source]
        return examples.source_lengths[index], examples.target_lengths[index]
