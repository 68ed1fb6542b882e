"""Which parameters Muon takes, what it does to them, and that it can be gone on with."""

import copy

import torch
from torch import nn

from model.training.config import OptimizerConfig
from model.training.optimizers import Optimizers, make_optimizers, split_parameters
from tests.model.factories import TINY, make_model


class Matrix(nn.Module):
    """A matrix and a vector by themselves."""

    def __init__(self, rows: int = 12, columns: int = 8) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(rows, columns))
        self.bias = nn.Parameter(torch.zeros(rows))


def make(model: nn.Module, **changes: object) -> Optimizers:
    return make_optimizers(model, OptimizerConfig(**{"learning_rate": 0.1} | changes), 40)


def test_muon_takes_hidden_matrices_alone() -> None:
    model = make_model()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    matrices, others = split_parameters(model, TINY.vocabulary_size)
    taken = {names[id(parameter)] for parameter in matrices}
    assert "encoder.layers.0.self_attention.query.weight" in taken
    assert "decoder.layers.1.feed_forward.inner.weight" in taken
    assert "copy_head.query.weight" in taken
    left = {names[id(parameter)] for parameter in others}
    assert {"embedding.tokens.weight", "copy_head.gate.weight", "encoder.norm.weight"} <= left
    assert all(name.endswith("weight") for name in taken)
    assert len(taken) + len(left) == len(names)


def test_a_step_of_muon_moves_every_direction_alike() -> None:
    model = Matrix()
    before = model.weight.detach().clone()
    optimizers = make(model)
    left, _, right = torch.linalg.svd(torch.randn(12, 8), full_matrices=False)
    model.weight.grad = left @ torch.diag(torch.linspace(1, 10, 8)) @ right
    optimizers.step(rate=1.0)
    change = torch.linalg.svdvals(before - model.weight.detach())
    assert change.max() / change.min() < 2  # of the gradient it is 10
    # As large as AdamW's: 0.2 sqrt(max(rows, columns)) times an orthogonal matrix.
    assert 0.5 < float(change.mean()) / (0.1 * 0.2 * 12**0.5) < 1.5


def test_both_find_the_bottom_of_a_bowl() -> None:
    for kind in ("muon", "adamw"):
        model, target = Matrix(), torch.randn(12, 8)
        optimizers = make(model, kind=kind)
        for step in range(300):
            loss = (model.weight - target).square().sum() + (model.bias - 1).square().sum()
            loss.backward()
            optimizers.step(rate=1 - step / 300)
        assert loss.item() < 0.05, kind


def test_what_was_saved_takes_the_very_same_steps() -> None:
    def run(model: nn.Module, optimizers: Optimizers, steps: range) -> None:
        for step in steps:
            generator = torch.Generator().manual_seed(step)
            for parameter in model.parameters():
                parameter.grad = torch.randn(parameter.shape, generator=generator)
            optimizers.step(rate=1 / (step + 1))

    straight = Matrix()
    run(straight, make(straight), range(6))

    first = Matrix()
    optimizers = make(first)
    run(first, optimizers, range(3))
    second = copy.deepcopy(first)
    state = copy.deepcopy(optimizers.state_dict())
    resumed = make(second)
    resumed.load_state_dict(state)
    run(second, resumed, range(3, 6))
    assert torch.equal(second.weight, straight.weight)
    assert torch.equal(second.bias, straight.bias)


def test_weight_decay_is_for_matrices_alone() -> None:
    for kind in ("muon", "adamw"):
        model = Matrix()
        with torch.no_grad():
            model.bias.fill_(1.0)
        before = model.weight.detach().clone()
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        make(model, kind=kind, weight_decay=0.5).step(rate=1.0)
        assert torch.allclose(model.weight, before * 0.95), kind
        assert torch.equal(model.bias, torch.ones(12)), kind


def test_weight_decay_may_change_between_two_steps() -> None:
    for kind in ("muon", "adamw"):
        model = Matrix()
        before = model.weight.detach().clone()
        optimizers = make(model, kind=kind, weight_decay=0.5)
        optimizers.load_state_dict(make(model, kind=kind, weight_decay=0.0).state_dict())
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizers.step(rate=1.0)
        assert torch.allclose(model.weight, before * 0.95), kind
        assert torch.equal(model.bias, torch.zeros(12)), kind


def test_a_frozen_parameter_has_no_optimiser() -> None:
    model = Matrix()
    model.weight.requires_grad_(False)
    before = model.weight.clone()
    model.bias.grad = torch.ones(12)
    make(model).step(rate=1.0)
    assert torch.equal(model.weight, before)
    assert bool((model.bias < 0).all())
