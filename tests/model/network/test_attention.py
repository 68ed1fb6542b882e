"""Attention over slots against the formula in loops, and the cache against a loop."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from model.network.attention import scaled_dot_product, write_cache

HEADS, HEAD_WIDTH = 2, 4


def attention_in_loops(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Tensor,
    causal: bool,
    bias: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """The formula, one query at a time, over exactly the keys it may see."""
    batch, heads, new_count, width = query.shape
    out = torch.zeros_like(query)
    for b in range(batch):
        for i in range(new_count):
            visible = int(lengths[b]) - (new_count - 1 - i if causal else 0)
            if visible < 1:
                continue
            for h in range(heads):
                scores = key[b, h, :visible] @ query[b, h, i] * (scale or 1 / math.sqrt(width))
                if bias is not None:
                    scores = scores + bias[b % len(bias), h, i, :visible]
                weights = scores.exp() / scores.exp().sum()
                out[b, h, i] = weights @ value[b, h, :visible]
    return out


def make_tensors(batch: int, new_count: int, capacity: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(batch + 10 * new_count + 100 * capacity)
    query = torch.randn(batch, HEADS, new_count, HEAD_WIDTH, generator=generator)
    key, value = torch.randn(2, batch, HEADS, capacity, HEAD_WIDTH, generator=generator)
    return query, key, value


@st.composite
def ragged(draw: st.DrawFn) -> tuple[list[int], int, int]:
    capacity = draw(st.integers(1, 9))
    lengths = draw(st.lists(st.integers(0, capacity), min_size=1, max_size=4))
    return lengths, draw(st.integers(1, 5)), capacity


@settings(deadline=None)
@given(ragged(), st.booleans())
def test_attention_equals_the_formula_for_any_lengths(
    case: tuple[list[int], int, int], causal: bool
) -> None:
    lengths, new_count, capacity = case
    query, key, value = make_tensors(len(lengths), new_count, capacity)
    got = scaled_dot_product(query, key, value, torch.tensor(lengths), causal)
    expected = attention_in_loops(query, key, value, torch.tensor(lengths), causal)
    torch.testing.assert_close(got, expected)


@given(ragged(), st.booleans(), st.booleans(), st.sampled_from([None, 1.0, 0.3]))
def test_a_bias_is_added_to_the_scores_that_the_scale_has_multiplied(
    case: tuple[list[int], int, int], causal: bool, one_for_all_rows: bool, scale: float | None
) -> None:
    lengths, new_count, capacity = case
    query, key, value = make_tensors(len(lengths), new_count, capacity)
    rows = 1 if one_for_all_rows else len(lengths)
    generator = torch.Generator().manual_seed(7)
    bias = 2 * torch.randn(rows, HEADS, new_count, capacity, generator=generator)
    inputs = (query, key, value, torch.tensor(lengths), causal, bias, scale)
    torch.testing.assert_close(scaled_dot_product(*inputs), attention_in_loops(*inputs))


def test_a_bias_may_hide_every_key_and_still_sends_no_nan_back() -> None:
    query, key, value = (t.requires_grad_() for t in make_tensors(2, 3, 6))
    bias = torch.zeros(1, HEADS, 3, 6)
    bias[:, :, 1] = -torch.inf
    out = scaled_dot_product(query, key, value, torch.tensor([6, 4]), causal=False, bias=bias)
    assert torch.equal(out[:, :, 1], torch.zeros_like(out[:, :, 1]))
    out.sum().backward()
    assert all(bool(t.grad.isfinite().all()) for t in (query, key, value))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_query_that_sees_no_key_gets_zeros_and_sends_no_nan_back(dtype: torch.dtype) -> None:
    query, key, value = (t.to(dtype).requires_grad_() for t in make_tensors(2, 3, 6))
    out = scaled_dot_product(query, key, value, torch.tensor([0, 1]), causal=True)
    assert torch.equal(out[0], torch.zeros_like(out[0]))
    assert torch.equal(out[1, :, :2], torch.zeros_like(out[1, :, :2]))
    assert out[1, :, 2].abs().max() > 0
    out.sum().backward()
    assert all(bool(t.grad.isfinite().all()) for t in (query, key, value))


@settings(deadline=None)
@given(st.data())
def test_the_cache_is_written_as_a_loop_would(data: st.DataObject) -> None:
    capacity = data.draw(st.integers(1, 8))
    new_count = data.draw(st.integers(1, capacity))
    position = data.draw(
        st.lists(st.integers(0, capacity - new_count), min_size=1, max_size=4), label="position"
    )
    new, cache, _ = make_tensors(len(position), new_count, capacity)
    before = cache.clone()
    expected = cache.clone()
    for b, start in enumerate(position):
        for i in range(new_count):
            expected[b, :, start + i] = new[b, :, i]
    assert torch.equal(write_cache(cache, new, torch.tensor(position)), expected)
    assert torch.equal(cache, before)


def test_writing_past_the_capacity_is_an_error() -> None:
    new, cache, _ = make_tensors(1, 2, 4)
    with pytest.raises(RuntimeError, match="out of bounds"):
        write_cache(cache, new, torch.tensor([3]))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("extra", [(), (torch.ones(1, HEADS, 2, 5), 1.0)])
def test_the_attend_operator_passes_the_checks_of_torch(
    causal: bool, extra: tuple[object, ...]
) -> None:
    query, key, value = make_tensors(3, 2, 5)
    inputs = (query, key, value, torch.tensor([5, 2, 0]), causal, *extra)
    torch.library.opcheck(torch.ops.precis.attend.default, inputs)


def test_the_write_cache_operator_passes_the_checks_of_torch() -> None:
    new, cache, _ = make_tensors(3, 2, 5)
    torch.library.opcheck(
        torch.ops.precis.write_cache.default, (cache, new, torch.tensor([0, 3, 1]))
    )


class Step(nn.Module):
    def forward(self, cache: Tensor, new: Tensor, position: Tensor) -> Tensor:
        keys = write_cache(cache, new, position)
        return scaled_dot_product(new, keys, keys, position + 1, causal=True)


def test_an_exporter_sees_one_node_for_each_operation_and_the_same_values() -> None:
    new, cache, _ = make_tensors(2, 1, 4)
    inputs = (cache, new, torch.tensor([0, 2]))
    program = torch.export.export(Step(), inputs)
    targets = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert targets == ["precis.write_cache.default", "aten.add.Tensor", "precis.attend.default"]
    torch.testing.assert_close(program.module()(*inputs), Step()(*inputs))
