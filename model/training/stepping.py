"""One step: batches to gradients to changed parameters.

The loss of a step is the mean over the target tokens of all its batches, wherever they were
computed, so two processes do what one does with twice the batches.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from model.training.batches import collate
from model.training.config import TrainingConfig
from model.training.distributed import Workers
from model.training.examples import Example
from model.training.loss import TeacherForcing
from model.training.optimizers import Optimizers


@dataclass(frozen=True)
class StepResult:
    """What a step did. The loss is this process's part of the step's mean; the norm is shared."""

    loss: float
    gradient_norm: float
    learning_rate: float

    @property
    def is_finite(self) -> bool:
        """Whether the parameters were changed."""
        return math.isfinite(self.gradient_norm)


class Stepper:
    """Takes steps with a network, on one device or as one of several processes."""

    def __init__(
        self,
        forcing: TeacherForcing,
        optimizers: Optimizers,
        config: TrainingConfig,
        workers: Workers,
    ) -> None:
        self._forcing, self._optimizers = forcing, optimizers
        self._config, self._workers = config, workers
        self._parameters = [p for p in forcing.parameters() if p.requires_grad]
        self._network: nn.Module = forcing
        if workers.count > 1:
            devices = [workers.device] if workers.device.type == "cuda" else None
            # Its buffers are tables that nothing changes.
            self._network = DistributedDataParallel(
                forcing, device_ids=devices, broadcast_buffers=False
            )

    def step(self, number: int, batches: Sequence[Sequence[Example]], rate: float) -> StepResult:
        """Take the step of this number, at this share of the learning rate.

        `batches` are those of all processes; this one computes every count-th of them. Where the
        gradient is not finite, nothing changes.
        """
        workers, config = self._workers, self._forcing.model.config
        self._seed(number)
        self._forcing.train()
        total = sum(len(example.target) for batch in batches for example in batch)
        mine = batches[workers.rank :: workers.count]
        loss = 0.0
        for index, examples in enumerate(mine):
            batch = collate(examples, config.pad_id, config.start_id)
            if self._config.data.shifted_share:
                batch = batch.shifted(self._config.data.shifted_share, config.max_positions)
            batch = batch.to(workers.device)
            with self._no_exchange(index < len(mine) - 1):
                with self._autocast():
                    minimised, likelihood = self._network(batch)
                # DDP takes the mean over processes of what should be a sum.
                (minimised * (workers.count / total)).backward()
            loss += float(likelihood.detach()) / total
        norm = float(
            nn.utils.clip_grad_norm_(self._parameters, self._config.optimizer.gradient_clip)
        )
        if math.isfinite(norm):
            self._optimizers.step(rate)
        else:
            self._optimizers.forget_gradients()
        return StepResult(loss, norm, self._config.optimizer.learning_rate * rate)

    def _seed(self, number: int) -> None:
        # Dropout and shifts depend on the step alone: no generator's state needs to be saved.
        sequence = np.random.SeedSequence((self._config.seed, 2, number, self._workers.rank))
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))

    def _autocast(self) -> torch.autocast:
        bf16 = self._config.precision == "bf16"
        return torch.autocast(self._workers.device.type, torch.bfloat16, enabled=bf16)

    def _no_exchange(self, more_to_come: bool) -> AbstractContextManager[None]:
        if isinstance(self._network, DistributedDataParallel) and more_to_come:
            return self._network.no_sync()
        return nullcontext()
