"""Checkpoints in Hugging Face's layout: config.json, model.safetensors, tokenizer.json.

A family (families/) names every tensor and its place in our network. Loading compares names and
shapes before it copies anything, and reports every mismatch at once.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from model.checkpoints.config_file import config_values, read_config
from model.checkpoints.families import Family, family_of
from model.checkpoints.tensor_files import CheckpointError, TensorFiles
from model.network.config import ModelConfig
from model.network.positions import sinusoids
from model.network.transformer import Summarizer

__all__ = [
    "CheckpointError",
    "check_checkpoint",
    "load_checkpoint",
    "never_emitted_ids",
    "save_checkpoint",
    "tensor_names",
]

_MATRIX = "embedding.tokens.weight"
# A stored table of sines may have been rounded to bfloat16.
_SINUSOID_TOLERANCE = 0.01


def tensor_names(config: ModelConfig) -> dict[str, str]:
    """Every tensor of our network by name, with the name it has in a file of its family."""
    return family_of(config).tensor_names(config)


def load_checkpoint(directory: Path) -> Summarizer:
    """The network of a checkpoint directory, in float32 and ready to run (not to train).

    Raises `ConfigError` for a config we cannot honour and `CheckpointError` when the tensors do
    not match it.
    """
    config = read_config(directory / "config.json")
    family = family_of(config)
    with TensorFiles(directory) as files:
        model, stored = _fitted(config, files, device="cpu")
        names = family.tensor_names(model.config)
        state = {ours: files.read(stored[theirs]) for ours, theirs in names.items()}
        _refuse_contradictions(family, model.config, state[_MATRIX], stored, files)
    model.load_state_dict(state)
    return model.eval()


def check_checkpoint(directory: Path) -> Summarizer:
    """The network of a checkpoint directory without its numbers (on the meta device).

    Raises as `load_checkpoint` does for whatever names and shapes tell.
    """
    config = read_config(directory / "config.json")
    with TensorFiles(directory) as files:
        model, _ = _fitted(config, files, device="meta")
    return model.eval()


def _fitted(
    config: ModelConfig, files: TensorFiles, device: str
) -> tuple[Summarizer, dict[str, str]]:
    """A network that fits the files, and the name that each of its tensors has in them."""
    family = family_of(config)
    stored = _stored_names(family, config, files)
    bias = family.output_bias_name
    if bias in stored and bool(files.read(stored[bias]).any()):
        config = replace(config, output_bias=True)
    with torch.device(device):
        model = Summarizer(config)
    names = family.tensor_names(config)
    matrix = names[_MATRIX]
    if matrix not in stored:  # kept under one of its other names alone
        copies = [stored[alias] for alias in _aliases(family, config) if alias in stored]
        if copies:
            stored[matrix] = copies[0]
    _refuse_mismatches(model, names, _optional_shapes(family, config), stored, files)
    return model, stored


def never_emitted_ids(tokenizer_file: Path, config: ModelConfig) -> tuple[int, ...]:
    """Ids that no summary may hold: every special token of the tokenizer but the end token.

    (One without a row in the embedding, such as the `<mask>` of facebook/bart-large-cnn, is none.)
    """
    content = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    special = {token["id"] for token in content["added_tokens"] if token["special"]}
    return tuple(sorted(i for i in special - {config.end_id} if i < config.vocabulary_size))


def save_checkpoint(
    model: Summarizer,
    directory: Path,
    dtype: torch.dtype = torch.float16,
    tokenizer_from: Path | None = None,
) -> None:
    """Write a directory that `load_checkpoint` and Hugging Face transformers both read.

    `tokenizer_from` is a checkpoint directory whose tokenizer files are copied along, and its
    generation_config.json, if it has one: without it config.json's old settings would count again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config_values(model.config), indent=2, ensure_ascii=False)
    (directory / "config.json").write_text(text + "\n", encoding="utf-8")
    state = model.state_dict()
    tensors: dict[str, Tensor] = {
        theirs: state[ours].detach().to("cpu", dtype).contiguous()
        for ours, theirs in tensor_names(model.config).items()
    }
    weights = directory / "model.safetensors"
    save_file(tensors, weights, metadata={"format": "pt"})
    # The library lets nobody but its owner read it.
    weights.chmod((directory / "config.json").stat().st_mode)
    if tokenizer_from is not None:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(tokenizer_from / name, directory / name)
        generation = tokenizer_from / "generation_config.json"
        if generation.exists():
            shutil.copyfile(generation, directory / generation.name)


def _aliases(family: Family, config: ModelConfig) -> tuple[str, ...]:
    """Names under which a file may hold the token matrix once more."""
    tied = (family.output_name,) if config.tied_output else ()
    return (*family.token_matrix_aliases, *tied)


def _optional_shapes(family: Family, config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Tensors that a file may hold although the network does not need them."""
    shapes = dict.fromkeys(_aliases(family, config), (config.vocabulary_size, config.width))
    shapes |= dict.fromkeys(family.sinusoid_names, (config.max_positions, config.width))
    if family.output_bias_name is not None:
        shapes[family.output_bias_name] = (1, config.vocabulary_size)
    return shapes


def _stored_names(family: Family, config: ModelConfig, files: TensorFiles) -> dict[str, str]:
    """The name each tensor should have -> the name it has, its prefix perhaps left off."""
    known = {*family.tensor_names(config).values(), *_optional_shapes(family, config)}
    known |= {*family.unread_names}
    stored = {}
    for name in files.shapes:
        full = family.prefix + name
        stored[full if name not in known and full in known else name] = name
    return {name: stored[name] for name in stored if name not in family.unread_names}


def _refuse_mismatches(
    model: Summarizer,
    names: dict[str, str],
    optional: dict[str, tuple[int, ...]],
    stored: dict[str, str],
    files: TensorFiles,
) -> None:
    state = model.state_dict()
    expected = {theirs: tuple(state[ours].shape) for ours, theirs in names.items()}
    found = {name: files.shapes[as_stored] for name, as_stored in stored.items()}
    allowed = optional | expected
    missing = sorted(expected.keys() - found.keys())
    unexpected = sorted(found.keys() - allowed.keys())
    misshapen = sorted(
        name for name in allowed.keys() & found.keys() if allowed[name] != found[name]
    )
    problems = [
        *(f"missing: {name} {expected[name]}" for name in missing),
        *(f"unexpected: {name} {found[name]}" for name in unexpected),
        *(f"{name} is {found[name]}, should be {allowed[name]}" for name in misshapen),
    ]
    _refuse(problems, files)


def _refuse_contradictions(
    family: Family,
    config: ModelConfig,
    matrix: Tensor,
    stored: dict[str, str],
    files: TensorFiles,
) -> None:
    """Refuse what is stored twice and differs, and positions that are no sines."""
    problems = [
        f"{name} differs from the token matrix that config.json says it is"
        for name in _aliases(family, config)
        if name in stored and not torch.equal(files.read(stored[name]), matrix)
    ]
    table = sinusoids(config.max_positions, config.width) if family.sinusoid_names else None
    problems += [
        f"{name} is not the table of sines and cosines that {family.name} has"
        for name in family.sinusoid_names
        if name in stored
        and not torch.allclose(files.read(stored[name]), table, atol=_SINUSOID_TOLERANCE, rtol=0)
    ]
    _refuse(problems, files)


def _refuse(problems: list[str], files: TensorFiles) -> None:
    if problems:
        listed = "\n  ".join(problems)
        raise CheckpointError(f"{files.path} does not fit its config.json:\n  {listed}")
