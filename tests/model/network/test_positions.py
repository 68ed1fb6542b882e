"""Positions against the formula written out, and T5's buckets against transformers'."""

import math

import pytest
import torch
from torch import nn
from transformers.models.t5.modeling_t5 import T5Attention

from model.network.positions import (
    LearnedPositions,
    RelativeBias,
    distance_buckets,
    sinusoids,
    token_positions,
)


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


def test_a_learned_table_leaves_its_first_rows_out() -> None:
    table = LearnedPositions(positions=6, width=4, offset=2)
    assert table.weight.shape == (8, 4)
    places = torch.tensor([[0, 5]])
    assert torch.equal(table(places)[0], table.weight[[2, 7]])


@pytest.mark.parametrize("two_way", [True, False])
@pytest.mark.parametrize(("buckets", "furthest"), [(32, 128), (8, 12), (4, 3), (32, 17), (64, 500)])
def test_buckets_are_those_of_t5(buckets: int, furthest: int, two_way: bool) -> None:
    distances = torch.arange(-3 * furthest, 3 * furthest + 1)
    expected = T5Attention._relative_position_bucket(distances, two_way, buckets, furthest)
    assert torch.equal(distance_buckets(distances, buckets, furthest, two_way), expected)
    assert 0 <= expected.min()
    assert expected.max() < buckets


def test_a_relative_bias_is_looked_up_by_distance_for_each_row_and_head() -> None:
    bias = RelativeBias(buckets=8, max_distance=12, heads=2, two_way=True)
    query_places, key_places = torch.tensor([[3, 4], [30, 0]]), torch.arange(33)
    got = bias(query_places, key_places)
    assert got.shape == (2, 2, 2, 33)
    for row in range(2):
        for head in range(2):
            for i in range(2):
                for j in (0, 3, 5, 17, 32):  # some of them further away than 12
                    distance = torch.tensor(j - int(query_places[row, i]))
                    bucket = distance_buckets(distance, 8, 12, two_way=True)
                    assert got[row, head, i, j] == bias.table.weight[bucket, head]
