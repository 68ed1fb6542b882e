"""Position embeddings against the formula, written out."""

import math

import torch
from torch import nn

from model.layers import FeedForward
from model.positions import sinusoids, token_positions


def test_sinusoids_are_sines_then_cosines_at_falling_rates() -> None:
    width = 8
    table = sinusoids(50, width)
    for position in (0, 1, 7, 49):
        for channel in range(width // 2):
            angle = position / 10_000 ** (2 * channel / width)
            assert math.isclose(table[position, channel], math.sin(angle), abs_tol=1e-6)
            assert math.isclose(table[position, channel + 4], math.cos(angle), abs_tol=1e-6)


def test_positions_count_on_from_each_row() -> None:
    position = torch.tensor([0, 4])
    assert token_positions(position, 3).tolist() == [[0, 1, 2], [4, 5, 6]]
    assert token_positions(position, 1).tolist() == [[0], [4]]


class Positions(nn.Module):
    def forward(self, ids: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        return token_positions(position, ids.shape[1])


def test_one_token_known_while_exporting_leaves_no_arange() -> None:
    position = torch.tensor([0, 4])
    one = torch.export.export(Positions(), (torch.zeros(2, 1), position))
    two = torch.export.export(Positions(), (torch.zeros(2, 2), position))
    assert "arange" not in str(one.graph)
    assert "arange" in str(two.graph)


def test_the_activation_is_the_exact_gelu() -> None:
    layer = FeedForward(1, 1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.inner.weight.fill_(1.0)
        layer.outer.weight.fill_(1.0)
        for x in (-2.0, -0.5, 0.0, 1.5):
            expected = x * (1 + math.erf(x / math.sqrt(2))) / 2
            assert math.isclose(layer(torch.tensor([[x]])).item(), expected, abs_tol=1e-6)
