"""The loop of a run: steps, watched, logged, validated and saved."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGTERM
from time import perf_counter
from typing import Any, Literal

import torch

from model.evaluation.rouge import Rouge
from model.progress import ProgressBar
from model.training.batches import BatchStream
from model.training.config import TrainingConfig
from model.training.distributed import Workers
from model.training.log import STEP_COLUMNS, VALIDATION_COLUMNS, CsvLog
from model.training.loss import TeacherForcing
from model.training.optimizers import Optimizers
from model.training.saving import point_best, save_step
from model.training.schedule import Schedule
from model.training.stepping import Stepper, StepResult
from model.training.stopping import StopRequest, stop_request
from model.training.validation import Scores, Validation

Ending = Literal["finished", "stale", "stopped"]


class NonFiniteLoss(ValueError):
    """The gradient was infinite or no number, too many steps in a row."""


@dataclass(frozen=True)
class Parts:
    """What a run is put together from; see run.py."""

    config: TrainingConfig
    directory: Path
    forcing: TeacherForcing
    optimizers: Optimizers
    stream: BatchStream
    validation: Validation | None
    workers: Workers
    write_model: Callable[[Path], None] | None  # None: nothing is saved
    data_fingerprint: int
    progress_bar: bool = True


@dataclass
class Position:
    """How far a run is: what is saved beside the network, the optimisers and the stream."""

    step: int = 0
    seconds: float = 0.0  # spent in steps, over all the times the run was started
    examples: int = 0
    tokens: int = 0
    skipped: int = 0  # steps in a row without a finite gradient
    first: Scores | None = None  # before the first step
    last: Scores | None = None
    best: Scores | None = None
    best_step: int = 0
    validations_since_best: int = 0


class Trainer:
    """One run, from its first step or from where it was saved."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._config, self._workers = parts, parts.config, parts.workers
        self._stepper = Stepper(parts.forcing, parts.optimizers, parts.config, parts.workers)
        self._schedule = Schedule(parts.config.schedule)
        self._saved_step: int | None = None
        self.position = Position()
        self.stopped_by: int | None = None

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state, over the same data."""
        self._parts.forcing.load_state_dict(state["network"])
        self._parts.optimizers.load_state_dict(state["optimizers"])
        self._parts.stream.restore(state["stream"])
        position = dict(state["position"])
        for name in ("first", "last", "best"):
            position[name] = _scores(position[name])
        self.position = Position(**position)
        self._saved_step = self.position.step
        if self._workers.is_first and self.position.best_step:
            point_best(self._parts.directory, self.position.best_step)

    def train(self) -> Ending:
        """Run to the end of the schedule, to early stopping or to a signal, and say which."""
        with ExitStack() as stack:
            self._open_logs(stack)
            self._bar = stack.enter_context(self._progress_bar())
            request = stack.enter_context(stop_request())
            if self.position.step == 0 and self._parts.validation is not None:
                self._validate()
            while (ending := self._ending()) is None:
                self._step(request)
                if self._due(self._config.validation):
                    self._validate()
                if self._due(self._config.saving) or self._ending() is not None:
                    self._save(is_best=False)
        return ending

    def _step(self, request: StopRequest) -> None:
        started, position = perf_counter(), self.position
        progress = self._progress()
        count = self._workers.count * self._config.batches.accumulate
        batches = [self._parts.stream.next(progress) for _ in range(count)]
        rate = self._schedule.rate(position.step, progress)
        result = self._stepper.step(position.step, batches, rate)

        # All processes go by the first one's clock, and stop when any was asked to.
        seconds = perf_counter() - started if self._workers.is_first else 0.0
        mine = torch.tensor([result.loss, seconds, request.signal or 0], dtype=torch.float64)
        loss, seconds, signal = self._workers.sum(mine.to(self._workers.device)).tolist()
        if signal:
            self.stopped_by = request.signal or SIGTERM
        tokens = sum(len(e.source) + len(e.target) for batch in batches for e in batch)
        position.step += 1
        position.seconds += seconds
        position.examples += sum(map(len, batches))
        position.tokens += tokens
        self._watch(result, [example.id for batch in batches for example in batch])
        self._report(loss, result, tokens / seconds, seconds)

    def _watch(self, result: StepResult, ids: list[str]) -> None:
        self.position.skipped = 0 if result.is_finite else self.position.skipped + 1
        if self.position.skipped > self._config.optimizer.skip_non_finite:
            raise NonFiniteLoss(
                f"step {self.position.step}: the gradient's norm is {result.gradient_norm}, for "
                f"{self.position.skipped} steps in a row; the examples were {', '.join(ids[:8])}"
                f"{f' and {len(ids) - 8} more' if len(ids) > 8 else ''}"
            )

    def _report(
        self, loss: float, result: StepResult, tokens_per_second: float, seconds: float
    ) -> None:
        position = self.position
        left = self._bar.total - self._bar.n
        self._bar.update(min(left, 1 if self._config.schedule.steps is not None else seconds))
        self._bar.set_postfix_str(f"loss {loss:.3f}, {tokens_per_second:,.0f} tokens/s")
        if self._log is not None and position.step % self._config.saving.log_every_steps == 0:
            self._log.add(
                position.step,
                position.examples,
                position.tokens,
                loss,
                result.learning_rate,
                result.gradient_norm,
                tokens_per_second,
                position.seconds,
            )

    def _validate(self) -> None:
        assert self._parts.validation is not None
        position = self.position
        scores = self._parts.validation.scores(self._parts.forcing, self._workers)
        if self._validation_log is not None:
            rouge = vars(scores.rouge).values() if scores.rouge else ("", "", "")
            self._validation_log.add(position.step, scores.loss, *rouge, position.seconds)
            if self._parts.progress_bar:
                self._bar.write(f"step {position.step}: validation {scores}")
        position.last = scores
        if position.step == 0:
            position.first = scores
        assert self._config.validation is not None
        if scores.better_than(position.best, self._config.validation.metric):
            position.best, position.best_step = scores, position.step
            position.validations_since_best = 0
            if position.step:
                self._save(is_best=True)
        else:
            position.validations_since_best += 1

    def _save(self, is_best: bool) -> None:
        write_model = self._parts.write_model
        if write_model is None or self._saved_step == self.position.step:
            return
        self._saved_step = self.position.step
        if self._workers.is_first:
            state = {
                "position": asdict(self.position),
                "network": self._parts.forcing.state_dict(),
                "optimizers": self._parts.optimizers.state_dict(),
                "stream": self._parts.stream.state(),
                "data": self._parts.data_fingerprint,
            }
            save_step(self._parts.directory, self.position.step, write_model, state, is_best)
        self._workers.wait()

    def _ending(self) -> Ending | None:
        if self.stopped_by is not None:
            return "stopped"
        if self._progress() >= 1:
            return "finished"
        validation = self._config.validation
        if validation is not None and validation.patience is not None:
            return "stale" if self.position.validations_since_best >= validation.patience else None
        return None

    def _progress(self) -> float:
        return self._schedule.progress(self.position.step, self.position.seconds)

    def _due(self, config: Any) -> bool:
        """Whether what happens every so many steps happens now; always at the end."""
        return config is not None and (
            self.position.step % config.every_steps == 0 or self._progress() >= 1
        )

    def _open_logs(self, stack: ExitStack) -> None:
        self._log = self._validation_log = None
        if self._workers.is_first:
            directory, step = self._parts.directory, self.position.step
            self._log = CsvLog(directory / "log.csv", STEP_COLUMNS, step)
            stack.callback(self._log.close)
            self._validation_log = CsvLog(directory / "validation.csv", VALIDATION_COLUMNS, step)
            stack.callback(self._validation_log.close)

    def _progress_bar(self) -> ProgressBar:
        schedule, position = self._config.schedule, self.position
        by_steps = schedule.steps is not None
        return ProgressBar(
            desc="training",
            total=schedule.steps if by_steps else round(schedule.seconds or 0),
            initial=position.step if by_steps else round(position.seconds),
            unit="step" if by_steps else "s",
            bar_format=None if by_steps else "{l_bar}{bar}| {n:.0f}/{total} s{postfix}",
            disable=not (self._workers.is_first and self._parts.progress_bar),
        )


def _scores(values: dict[str, Any] | None) -> Scores | None:
    if values is None:
        return None
    rouge = values["rouge"]
    return Scores(values["loss"], None if rouge is None else Rouge(**rouge))
