"""Where a run begins: at a checkpoint, or at a new tokenizer and a new network."""

import shutil
from pathlib import Path

from tokenizers import Tokenizer

from model.checkpoints.checkpoint import load_checkpoint
from model.checkpoints.tokenizing.ensure import TOKENIZER_FILE, ensure_tokenizer
from model.network.config import ModelConfig
from model.network.transformer import Summarizer
from model.training.config import TrainingConfig, TrainingConfigError
from model.training.data import texts
from model.training.layout import Layout
from model.training.new_network import new_network
from model.training.tokenizer import save_tokenizer, train_tokenizer

TOKENIZER = "tokenizer"
"""The folder of a run's directory that its tokenizer lies in."""

# What a checkpoint says beside its network: copied from the beginning to every checkpoint.
_COMPANIONS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
)


def check_beginning(config: TrainingConfig, init: Path | None) -> None:
    """Raise `TrainingConfigError` unless there is one beginning: a checkpoint or [network]."""
    if init is None and config.network is None:
        raise TrainingConfigError("the configuration has no [network]: name a checkpoint to --init")
    if init is not None and config.network is not None:
        raise TrainingConfigError("--init and [network] are two beginnings: give one of them")


def check_room(config: TrainingConfig, model: ModelConfig, layout: Layout) -> None:
    """Raise `TrainingConfigError` for limits or shifts that the network has no positions for."""
    problems = []
    document = config.data.max_document_tokens + layout.added_tokens
    summary = layout.target([0] * config.data.max_summary_tokens)
    if document > model.max_positions:
        problems.append(
            f"data.max_document_tokens is {config.data.max_document_tokens}, with what stands "
            f"around a document {document}; the network has {model.max_positions} positions"
        )
    if len(summary) > model.max_target_positions:
        problems.append(
            f"data.max_summary_tokens is {config.data.max_summary_tokens}, with what stands around "
            f"a summary {len(summary)}; the network has {model.max_target_positions} positions"
        )
    if config.data.shifted_share and model.positions == "relative":
        problems.append("data.shifted_share: relative positions cannot be shifted")
    if problems:
        raise TrainingConfigError("; ".join(problems))


def keep_tokenizer(config: TrainingConfig, init: Path | None, directory: Path, shown: bool) -> None:
    """Put the tokenizer of the run into a directory: the checkpoint's, or one trained now."""
    if init is not None:
        directory.mkdir(parents=True, exist_ok=True)
        copy_companions(init, directory)
        ensure_tokenizer(init, output=directory)
        return
    assert config.network is not None
    assert config.tokenizer is not None
    tokenizer = train_tokenizer(texts(config.data.sources), config.tokenizer, shown)
    save_tokenizer(tokenizer, directory, config.network.max_positions)


def beginning(config: TrainingConfig, directory: Path, init: Path | None) -> Summarizer:
    """The network before its first step: the checkpoint's, or a new one for the run's tokenizer."""
    if init is not None:
        return load_checkpoint(init)
    assert config.network is not None
    assert config.tokenizer is not None
    tokenizer = Tokenizer.from_file(str(directory / TOKENIZER / TOKENIZER_FILE))
    return new_network(config.network, tokenizer, config.tokenizer.styles, config.seed)


def copy_companions(source: Path, target: Path) -> None:
    """Copy what stands beside a network: its tokenizer, and how it wants to be decoded."""
    for name in _COMPANIONS:
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
