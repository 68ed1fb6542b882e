"""What a mask hides weighs nothing, in any precision, forwards and backwards."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model.network.zoo import (
    ZOO,
    Attention,
    Sizes,
    causal_mask,
    make_attention,
    masked_softmax,
    padding_mask,
)

SIZES = Sizes(width=8, heads=2, positions=6)
HALVES = [torch.float16, torch.bfloat16]


def make(name: str, dtype: torch.dtype = torch.float64) -> Attention:
    torch.manual_seed(0)
    return make_attention(name, SIZES).to(dtype)


def make_tensors(
    queries: int, keys: int, dtype: torch.dtype = torch.float64, scale: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (
        (scale * torch.randn(2, count, SIZES.width, generator=generator)).to(dtype)
        for count in (queries, keys, keys)
    )
    return query, key, value


def test_padding_hides_what_lies_past_each_length() -> None:
    assert padding_mask(torch.tensor([2, 0, 3]), 3).tolist() == [
        [[True, True, False]],
        [[False, False, False]],
        [[True, True, True]],
    ]


def test_a_causal_mask_shows_each_query_itself_and_its_past() -> None:
    assert causal_mask(3, 3).int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert causal_mask(2, 4).int().tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert causal_mask(3, 2).int().tolist() == [[0, 0], [1, 0], [1, 1]]


@pytest.mark.parametrize("name", ZOO)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_masked_query_gets_what_it_would_without_the_hidden_keys(
    name: str, data: st.DataObject
) -> None:
    queries, keys = data.draw(st.integers(1, 3)), data.draw(st.integers(1, SIZES.positions))
    row = st.lists(st.booleans(), min_size=keys, max_size=keys)
    mask = torch.tensor(data.draw(st.lists(row, min_size=queries, max_size=queries)))
    attention, (query, key, value) = make(name), make_tensors(queries, keys)
    context, weights = attention(query, key, value, mask)
    assert torch.equal(weights[:, ~mask], torch.zeros_like(weights[:, ~mask]))
    for i in range(queries):
        seen = mask[i]
        if not seen.any():
            assert not context[:, i].any()
            continue
        torch.testing.assert_close(weights[:, i].sum(-1), torch.ones(2, dtype=torch.float64))
        if name == "location":
            continue  # keys that are taken out would move the others to other places
        alone = attention(query[:, i : i + 1], key[:, seen], value[:, seen])
        torch.testing.assert_close(context[:, i], alone[0][:, 0])
        torch.testing.assert_close(weights[:, i][:, seen], alone[1][:, 0])


@pytest.mark.parametrize("name", ZOO)
def test_what_hidden_keys_and_values_hold_does_not_matter(name: str) -> None:
    attention, (query, key, value) = make(name), make_tensors(3, 5)
    mask = padding_mask(torch.tensor([2, 4]), 5)
    before = attention(query, key, value, mask)
    key[0, 2:], value[0, 2:], key[1, 4:], value[1, 4:] = 9e9, -7e9, 8e9, 6e9
    after = attention(query, key, value, mask)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


@pytest.mark.parametrize("name", ZOO)
def test_the_past_does_not_depend_on_the_future(name: str) -> None:
    attention, (query, key, value) = make(name), make_tensors(4, 4)
    before, _ = attention(query, key, value, causal_mask(4, 4))
    key[:, 3], value[:, 3] = 5.0, -5.0
    after, _ = attention(query, key, value, causal_mask(4, 4))
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.equal(before[:, 3], after[:, 3])


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALVES])
def test_a_query_that_sees_nothing_gets_zeros_and_sends_no_nan_back(
    name: str, dtype: torch.dtype
) -> None:
    attention = make(name, dtype)
    query, key, value = (tensor.requires_grad_() for tensor in make_tensors(3, 5, dtype))
    mask = padding_mask(torch.tensor([0, 4]), 5)
    with torch.autograd.set_detect_anomaly(True):
        context, weights = attention(query, key, value, mask)
        (context.square().sum() + weights.square().sum()).backward()
    assert not context[0].any()
    assert not weights[0].any()
    assert context[1].any()
    for tensor in (query, key, value, *attention.parameters()):
        assert tensor.grad is None or bool(tensor.grad.isfinite().all())
    assert not value.grad[0].any()
    assert not value.grad[1, 4].any()


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_half_precision_stays_finite_and_close_to_double(
    name: str, dtype: torch.dtype, scale: float
) -> None:
    attention = make(name, dtype)
    tensors = make_tensors(3, 5, dtype, scale)
    mask = padding_mask(torch.tensor([5, 2]), 5)
    got = attention(*tensors, mask)
    expected = attention.double()(*(tensor.double() for tensor in tensors), mask)
    rounding = torch.finfo(dtype).eps
    for ours, exact in zip(got, expected, strict=True):
        assert ours.dtype == dtype
        assert ours.isfinite().all()
        assert (ours - exact).abs().max() <= rounding * exact.abs().max()


@pytest.mark.parametrize("name", ZOO)
def test_the_largest_numbers_of_float16_give_a_finite_context(name: str) -> None:
    attention = make(name, torch.float16)
    largest = torch.finfo(torch.float16).max
    query, key, value = (tensor.sign() * largest for tensor in make_tensors(3, 5, torch.float16))
    if name == "multi_head":  # its projections of such values are beyond float16
        value = value / 8
    context, weights = attention(query, key, value)
    assert context.isfinite().all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, dtype=torch.float16))


@pytest.mark.parametrize("name", ZOO)
def test_a_bias_on_each_key_is_added_to_every_score(name: str) -> None:
    attention, (query, key, value) = make(name), make_tensors(3, 5)
    bias = torch.tensor([[0.0, 0, -1e4, 0, -1e4], [0.0] * 5], dtype=torch.float64)
    got = attention(query, key, value, key_bias=bias)
    expected = attention(query, key, value, bias[:, None, :] == 0)
    torch.testing.assert_close(got, expected)
    alike = attention(query, key, value, key_bias=bias.new_full((2, 5), 3.0))
    torch.testing.assert_close(alike, attention(query, key, value))


def test_equal_scores_share_equally_however_low_they_are() -> None:
    scores = torch.full((1, 4), torch.finfo(torch.float32).min)
    mask = torch.tensor([True, False, True, False])
    assert masked_softmax(scores, mask).tolist() == [[0.5, 0.0, 0.5, 0.0]]


def test_a_mask_of_ones_and_zeros_is_refused_rather_than_misread() -> None:
    with pytest.raises(TypeError, match=r"booleans.*not torch.int64"):
        make("dot")(*make_tensors(1, 2), torch.tensor([[1, 0]]))
