"""The parts of a layer against their formulas, written out."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from model.network.layers import ACTIVATION_FUNCTIONS, FeedForward, MultiHeadAttention, RmsNorm

FORMULAS: dict[str, Callable[[float], float]] = {
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "gelu_tanh": lambda x: x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "relu": lambda x: max(x, 0.0),
    "silu": lambda x: x / (1 + math.exp(-x)),
}


def ones(layer: torch.nn.Module) -> torch.nn.Module:
    """The layer with weights of one and biases of zero."""
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    return layer


def test_every_activation_has_a_formula() -> None:
    assert FORMULAS.keys() == ACTIVATION_FUNCTIONS.keys()


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("x", [-2.0, -0.5, 0.0, 1.5])
def test_the_feed_forward_applies_its_activation(name: str, x: float) -> None:
    plain = ones(FeedForward(1, 1, activation=name))
    gated = ones(FeedForward(1, 1, activation=name, gated=True))
    expected = FORMULAS[name](x)
    assert math.isclose(plain(torch.tensor([[x]])).item(), expected, abs_tol=1e-6)
    assert math.isclose(gated(torch.tensor([[x]])).item(), expected * x, abs_tol=1e-6)


def test_the_rms_norm_divides_by_the_root_of_the_mean_square() -> None:
    norm = RmsNorm(3, epsilon=0.5)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 3.0]))
    root = math.sqrt((1 + 4 + 16) / 3 + 0.5)
    expected = torch.tensor([1.0, 4.0, 12.0]) / root
    torch.testing.assert_close(norm(torch.tensor([1.0, -2.0, 4.0])), expected)


def test_the_rms_norm_keeps_large_half_precision_numbers_finite() -> None:
    large = torch.full((2, 4), 60_000.0, dtype=torch.float16)
    torch.testing.assert_close(RmsNorm(4, 1e-6).half()(large), torch.ones(2, 4).half())


@torch.no_grad()
def test_heads_may_be_wider_than_the_model_and_scores_unscaled() -> None:
    torch.manual_seed(0)
    attention = MultiHeadAttention(4, heads=2, head_width=3, bias=False, scale=1.0)
    assert {name: tuple(p.shape) for name, p in attention.named_parameters()} == {
        "query.weight": (6, 4),
        "key.weight": (6, 4),
        "value.weight": (6, 4),
        "out.weight": (4, 6),
    }
    x = torch.randn(1, 5, 4)
    got = attention.over_itself(x, torch.tensor([5]))

    def head(layer: torch.nn.Linear, number: int) -> Tensor:
        return x[0] @ layer.weight[3 * number : 3 * number + 3].T  # [5,3]

    mixed = [
        torch.softmax(head(attention.query, h) @ head(attention.key, h).T, -1)
        @ head(attention.value, h)
        for h in range(2)
    ]
    torch.testing.assert_close(got[0], torch.cat(mixed, -1) @ attention.out.weight.T)
