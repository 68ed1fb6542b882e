"""A run put together: from a configuration, data and a beginning to a trained checkpoint.

runs/x/training.json     the configuration, for going on
runs/x/tokenizer/        the tokenizer, trained here or the beginning's
runs/x/log.csv           a row a step; validation.csv: a row a validation
runs/x/last, runs/x/best checkpoints, see saving.py
"""

import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from model.checkpoints.tokenizing.ensure import TOKENIZER_FILE
from model.network.transformer import Summarizer
from model.training.adapting import Adapters, freeze
from model.training.batches import BatchStream
from model.training.beginning import (
    TOKENIZER,
    beginning,
    check_beginning,
    check_room,
    copy_companions,
    keep_tokenizer,
)
from model.training.config import TrainingConfig
from model.training.config_file import continued
from model.training.data import Pairs, read_source, read_validation
from model.training.distributed import Workers
from model.training.examples import Examples
from model.training.layout import Layout, read_layout
from model.training.loss import TeacherForcing
from model.training.optimizers import make_optimizers
from model.training.saving import LAST, ResumeError, load_state, replace_text
from model.training.schedule import shares
from model.training.trainer import Ending, Parts, Position, Trainer
from model.training.validation import Validation

CONFIG_FILE = "training.json"

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class RunResult:
    """How a run ended, and where it had come to."""

    ending: Ending
    position: Position
    stopped_by: int | None


@dataclass(frozen=True)
class RunData:
    """What a run learns from, and what it is judged by."""

    sources: list[Examples]
    validation: Pairs | None = None

    def fingerprint(self) -> int:
        """A number that differs for different data, or the same data in another order."""
        number = 0
        for examples in self.sources:
            number = zlib.crc32(str(examples.fingerprint()).encode(), number)
        for record in self.validation.records if self.validation else ():
            number = zlib.crc32(repr(record).encode(), number)
        return number


def start_run(
    config: TrainingConfig, directory: Path, init: Path | None, workers: Workers, shown: bool
) -> RunResult:
    """Train in a new directory, from the checkpoint `init` or from nothing.

    Raises `TrainingConfigError` for a configuration that does not go with that, and
    FileExistsError if the directory holds a run.
    """
    check_beginning(config, init)
    if workers.is_first:
        if (directory / LAST).exists():
            raise FileExistsError(f"{directory} holds a run already; --resume goes on with it")
        keep_tokenizer(config, init, directory / TOKENIZER, shown)
    workers.wait()
    model = beginning(config, directory, init)
    layout = read_layout(directory / TOKENIZER / TOKENIZER_FILE, model.config, init)
    check_room(config, model.config, layout)
    data = read_data(config, layout, directory, shown)
    if workers.is_first:
        replace_text(directory / CONFIG_FILE, config.to_json())
    return train(config, directory, model, layout, data, workers, shown)


def resume_run(directory: Path, changes: Sequence[str], workers: Workers, shown: bool) -> RunResult:
    """Go on with a run from its last checkpoint, its configuration changed by `key=value`s.

    The changed configuration is the run's from then on. Raises `ResumeError` if there is no
    checkpoint or the data has changed, and `TrainingConfigError` for a change that it cannot take.
    """
    state = load_state(directory)
    text = (directory / CONFIG_FILE).read_text(encoding="utf-8")
    config = continued(TrainingConfig.from_json(text), changes)
    model = load_checkpoint(directory / LAST)
    file = directory / TOKENIZER / TOKENIZER_FILE
    layout = read_layout(file, model.config, directory / LAST)
    check_room(config, model.config, layout)
    data = read_data(config, layout, directory, shown)
    if state["data"] != data.fingerprint():
        raise ResumeError("the data is not what the run was started with")
    if workers.is_first:
        replace_text(directory / CONFIG_FILE, config.to_json())
    return train(config, directory, model, layout, data, workers, shown, state)


def read_data(config: TrainingConfig, layout: Layout, directory: Path, shown: bool) -> RunData:
    """Everything the run reads, tokenised where it is learnt from."""
    tokenizer_file = directory / TOKENIZER / TOKENIZER_FILE
    sources = [
        read_source(source, config.data, layout, tokenizer_file, shown)
        for source in config.data.sources
    ]
    if config.validation is None:
        return RunData(sources)
    return RunData(sources, read_validation(config.validation, config.data, layout, shown))


def train(
    config: TrainingConfig,
    directory: Path,
    model: Summarizer,
    layout: Layout,
    data: RunData,
    workers: Workers,
    shown: bool,
    state: dict | None = None,
    saves: bool = True,
) -> RunResult:
    """Train a network on data that has been read; from `state` on, if it is given.

    Unless it `saves`, its scores are all that is left of it.
    """
    _set_up(workers)
    if config.dropout is not None:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = config.dropout
    torch.manual_seed(config.seed)  # adapters begin at random
    adapters = None if config.lora is None else Adapters(model, config.lora)
    freeze(model, config.frozen)
    forcing = TeacherForcing(model, config.optimizer.label_smoothing, adapters).to(workers.device)

    def write_model(checkpoint: Path) -> None:
        with nullcontext() if adapters is None else adapters.merged():
            dtype = _DTYPES[config.saving.precision]
            _check_magnitudes(model, dtype)
            save_checkpoint(model, checkpoint, dtype)
        copy_companions(directory / TOKENIZER, checkpoint)

    sizes = [len(examples) for examples in data.sources]
    trainer = Trainer(
        Parts(
            config=config,
            directory=directory,
            forcing=forcing,
            optimizers=make_optimizers(forcing, config.optimizer, model.config.vocabulary_size),
            stream=BatchStream(
                data.sources,
                lambda progress: shares(config.data.sources, sizes, progress),
                config.batches.tokens,
                config.batches.pool,
                config.seed,
            ),
            validation=_validation(config, data, layout),
            workers=workers,
            write_model=write_model if saves else None,
            data_fingerprint=data.fingerprint(),
            progress_bar=shown,
        )
    )
    if state is not None:
        trainer.restore(state)
    return RunResult(trainer.train(), trainer.position, trainer.stopped_by)


def _validation(config: TrainingConfig, data: RunData, layout: Layout) -> Validation | None:
    if config.validation is None or data.validation is None:
        return None
    return Validation(
        data.validation.records,
        data.validation.examples,
        layout,
        config.batches.tokens,
        config.validation.rouge_documents,
    )


def _check_magnitudes(model: Summarizer, dtype: torch.dtype) -> None:
    limit = torch.finfo(dtype).max
    for name, value in model.named_parameters():
        # Not the other way round: NaN must fail.
        if not value.detach().abs().max() <= limit:
            raise ValueError(
                f"{name} holds numbers above {limit}, the most of saving.precision, or none at all"
            )


def _set_up(workers: Workers) -> None:
    if workers.device.type == "cuda":
        # cuDNN's attention plans anew for every shape, and every batch has its own.
        torch.backends.cuda.enable_cudnn_sdp(False)
        torch.set_float32_matmul_precision("high")
