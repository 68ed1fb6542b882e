"""Muon for the hidden matrices, AdamW for everything else, stepped as one.

"Muon: An optimizer for hidden layers in neural networks", Jordan et al. 2024: the momentum of a
matrix is made orthogonal by Newton-Schulz iterations, so that every direction of it moves alike.
Scaled by 0.2 sqrt(max(rows, columns)), its steps are as large as AdamW's ("Muon is Scalable for LLM
Training", Liu et al. 2025), so one learning rate serves both. PyTorch's own implementation is used.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from model.training.config import OptimizerConfig

_BETAS = (0.9, 0.98)


class Optimizers:
    """Some optimisers that step together, at a share of the full learning rate."""

    def __init__(self, optimizers: list[torch.optim.Optimizer], learning_rate: float) -> None:
        self._optimizers, self._learning_rate = optimizers, learning_rate

    def step(self, rate: float) -> None:
        """Change the parameters, at this share of the full learning rate; forget the gradients."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._learning_rate * rate
            optimizer.step()
        self.forget_gradients()

    def forget_gradients(self) -> None:
        """Make ready for the next step."""
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """All that the next step depends on."""
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Go on from `state_dict`, by the rate and the weight decay that these were made with."""
        for optimizer, state in zip(self._optimizers, states, strict=True):
            decays = [group["weight_decay"] for group in optimizer.param_groups]
            optimizer.load_state_dict(state)
            for group, decay in zip(optimizer.param_groups, decays, strict=True):
                group["weight_decay"] = decay


def make_optimizers(model: nn.Module, config: OptimizerConfig, vocabulary_size: int) -> Optimizers:
    """Optimisers of every parameter that is not frozen; weight decay is for matrices only."""
    matrices, others = split_parameters(model, vocabulary_size)
    rate, decay = config.learning_rate, config.weight_decay
    optimizers: list[torch.optim.Optimizer] = []
    groups = [{"params": others, "weight_decay": 0.0}]
    if config.kind == "adamw":
        groups.append({"params": matrices, "weight_decay": decay})
    elif matrices:
        muon = torch.optim.Muon(
            matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
        )
        optimizers.append(muon)
    groups = [group for group in groups if group["params"]]
    if groups:
        optimizers.append(torch.optim.AdamW(groups, lr=rate, betas=_BETAS))
    return Optimizers(optimizers, rate)


def split_parameters(model: nn.Module, vocabulary_size: int) -> tuple[list[Tensor], list[Tensor]]:
    """The hidden matrices, and the rest: embeddings, output projections, vectors."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for parameter in _trained(model.parameters()):
        hidden = (
            parameter.ndim == 2
            and id(parameter) not in tables
            and vocabulary_size not in parameter.shape
            and 1 not in parameter.shape  # a vector written as a matrix
        )
        (matrices if hidden else others).append(parameter)
    return matrices, others


def _trained(parameters: Iterable[Tensor]) -> list[Tensor]:
    return [parameter for parameter in parameters if parameter.requires_grad]
