"""What a family is: data that says how its files spell the one network that we have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from model.network.config import ModelConfig


@dataclass(frozen=True)
class Family:
    """One family of checkpoints, such as BART: its config.json and the names of its tensors."""

    name: str
    model_type: str
    architectures: tuple[str, ...]  # those with an output over words; the first is written
    base_architectures: tuple[str, ...]  # without one of their own, yet all of its tensors
    read: Callable[[Mapping[str, Any]], ModelConfig]
    write: Callable[[ModelConfig], dict[str, Any]]
    tensor_names: Callable[[ModelConfig], dict[str, str]]  # ours -> the file's

    # What some files leave off the front of every tensor's name, such as "model.".
    prefix: str = ""
    # Other names of the token matrix; with a tied output, `output_name` is one more.
    token_matrix_aliases: tuple[str, ...] = ()
    output_name: str = "lm_head.weight"
    # Added to the scores of the words, where the file has it.
    output_bias_name: str | None = None
    # Tables that a file may hold and that must then say what the network computes: sinusoids.
    sinusoid_names: tuple[str, ...] = ()
    # What old files hold and nothing reads.
    unread_names: tuple[str, ...] = ()
