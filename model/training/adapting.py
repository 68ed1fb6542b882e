"""Training part of a network: frozen parameters, and low-rank changes to some of its matrices.

"LoRA: Low-Rank Adaptation of Large Language Models", Hu et al. 2021: in place of W [o,i] train
B [o,r] and A [r,i], for W + (alpha / r) B A. B starts at zero, so training starts at W.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from model.training.config import LoraConfig, TrainingConfigError


def freeze(model: nn.Module, patterns: Sequence[str]) -> None:
    """Leave every parameter whose name matches a pattern as it is.

    Raises `TrainingConfigError` for a pattern that matches none, and where none is left to train.
    """
    parameters = dict(model.named_parameters())
    had_any = any(parameter.requires_grad for parameter in parameters.values())  # not under LoRA
    for pattern in patterns:
        for name in _matching(pattern, list(parameters), "frozen", "parameter"):
            parameters[name].requires_grad_(False)
    if had_any and not any(parameter.requires_grad for parameter in parameters.values()):
        raise TrainingConfigError(f"frozen: {list(patterns)} leaves no parameter to train")


class Adapters(nn.Module):
    """Low-rank changes to the Linear layers of a model, which is otherwise frozen.

    The layers stay in their places under their names and add what their adapter says. So the model
    saves and loads as if there were none.
    """

    def __init__(self, model: nn.Module, config: LoraConfig) -> None:
        super().__init__()
        model.requires_grad_(False)
        layers = {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear)}
        targets = {
            name: layers[name]
            for pattern in config.targets
            for name in _matching(pattern, list(layers), "lora.targets", "Linear layer")
        }
        scale = (config.alpha or config.rank) / config.rank
        self._layers = list(targets.values())  # the model's own, so no submodules of ours
        self.adapters = nn.ModuleList(
            LowRank(layer, config.rank, scale) for layer in targets.values()
        )
        for layer, adapter in zip(self._layers, self.adapters, strict=True):
            layer.register_forward_hook(_adding(adapter))

    @contextmanager
    def merged(self) -> Iterator[None]:
        """Within this, the layers' own weights are those that training has come to."""
        originals = [layer.weight.detach().clone() for layer in self._layers]
        try:
            with torch.no_grad():
                for layer, adapter in zip(self._layers, self.adapters, strict=True):
                    layer.weight.add_(adapter.change())
            yield
        finally:
            with torch.no_grad():
                for layer, original in zip(self._layers, originals, strict=True):
                    layer.weight.copy_(original)


class LowRank(nn.Module):
    """scale * B A, for the layer it was made for."""

    def __init__(self, layer: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        like = layer.weight
        self.a = nn.Parameter(like.new_empty(rank, layer.in_features))
        self.b = nn.Parameter(like.new_zeros(layer.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))  # as nn.Linear begins

    def forward(self, x: Tensor) -> Tensor:
        """[...,i] -> [...,o]."""
        return nn.functional.linear(nn.functional.linear(x, self.a), self.b) * self.scale

    def change(self) -> Tensor:
        """What it adds to the layer's weight, [o,i]."""
        return self.b @ self.a * self.scale


def _adding(adapter: LowRank) -> Any:
    return lambda layer, inputs, output: output + adapter(inputs[0])


def _matching(pattern: str, names: Sequence[str], key: str, kind: str) -> list[str]:
    matching = [name for name in names if fnmatchcase(name, pattern)]
    if not matching:
        raise TrainingConfigError(
            f"{key}: no {kind} is called {pattern!r}; there are {', '.join(names[:4])} and "
            f"{max(0, len(names) - 4)} more"
        )
    return matching
