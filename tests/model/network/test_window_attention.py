"""Attention in windows against the rule in loops, and the two ways to compute it."""

from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st

from model.network.attention import scaled_dot_product
from model.network.config import ModelConfig
from model.network.window_attention import WindowAttention, window_bias, window_in_blocks
from tests.model.factories import TINY


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, int, list[int]]:
    count = draw(st.integers(1, 30))
    lengths = draw(st.lists(st.integers(1, count), min_size=1, max_size=3))
    return count, draw(st.integers(1, 6)), lengths


@given(cases())
def test_blocks_give_what_the_mask_gives(case: tuple[int, int, list[int]]) -> None:
    count, reach, lengths = case
    generator = torch.Generator().manual_seed(count)
    query, key, value = torch.randn(3, len(lengths), 2, count, 4, generator=generator)
    real = torch.tensor(lengths)
    band = window_bias(count, reach)
    expected = scaled_dot_product(query, key, value, real, causal=False, bias=band)
    got = window_in_blocks(query, key, value, real, reach)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(got[row, :, :length], expected[row, :, :length])


def test_padding_changes_nothing_and_sends_no_nan_back() -> None:
    query, key, value = torch.randn(3, 2, 2, 23, 4).requires_grad_()
    mixed = window_in_blocks(query, key, value, torch.tensor([23, 1]), reach=3)
    assert bool(mixed.isfinite().all())
    alone = window_in_blocks(query[1:], key[1:], value[1:], torch.tensor([1]), reach=3)
    torch.testing.assert_close(alone[0, :, 0], mixed[1, :, 0])
    mixed.sum().backward()


def config(window: int) -> ModelConfig:
    return replace(TINY, attention_windows=(window, window))


@torch.no_grad()
def test_who_sees_whom_is_as_the_rule_says() -> None:
    torch.manual_seed(0)
    count, reach, real = 13, 2, 10
    attention = WindowAttention(config(2 * reach), 2 * reach)
    x = torch.randn(1, count, TINY.width)
    before = attention.over_itself(x, torch.tensor([real]))
    for j in range(count):
        changed = x.clone()
        changed[0, j] += 1.0
        after = attention.over_itself(changed, torch.tensor([real]))
        moved = (after != before).any(-1)[0, :real]
        for i in range(real):
            sees = j < real and (i == 0 or j == 0 or abs(i - j) <= reach)
            assert moved[i] == (sees or i == j), (i, j)


@torch.no_grad()
def test_the_first_token_alone_reads_through_the_global_projections() -> None:
    torch.manual_seed(0)
    attention = WindowAttention(config(4), 4)
    x, lengths = torch.randn(1, 9, TINY.width), torch.tensor([9])
    before = attention.over_itself(x, lengths)
    for layer in (attention.global_query, attention.global_key, attention.global_value):
        layer.weight.mul_(2)
    after = attention.over_itself(x, lengths)
    assert (after != before).any(-1)[0].tolist() == [True] + [False] * 8
