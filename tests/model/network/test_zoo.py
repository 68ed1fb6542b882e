"""Each mechanism of the zoo against its formula, its gradient, and torch's own multi-head."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from model.network.zoo import (
    ZOO,
    Additive,
    Attention,
    General,
    Location,
    MultiHead,
    Sizes,
    UnknownAttention,
    Weighted,
    make_attention,
)
from tests.model.network import zoo_in_loops

SIZES = Sizes(width=4, heads=2, positions=7)
SINGLE = [name for name in ZOO if name != "multi_head"]


def make(name: str, seed: int = 0) -> Attention:
    torch.manual_seed(seed)
    return make_attention(name, SIZES).double()


def make_tensors(
    queries: int, keys: int, value_width: int = 4, batch: tuple[int, ...] = (2,), seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = (queries, SIZES.width), (keys, SIZES.width), (keys, value_width)
    query, key, value = (
        torch.randn(*batch, *shape, dtype=torch.float64, generator=generator) for shape in shapes
    )
    return query, key, value


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in module.named_parameters()}


def assert_equals_loops(name: str, attention: Attention, *tensors: Tensor) -> None:
    context, weights = attention(*tensors)
    for b in range(len(context)):
        inputs = [tensor[b].numpy() for tensor in tensors]
        expected = zoo_in_loops.attend(name, arrays(attention), *inputs)
        np.testing.assert_allclose(context[b].detach().numpy(), expected[0], atol=1e-12)
        np.testing.assert_allclose(weights[b].detach().numpy(), expected[1], atol=1e-12)


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=15, deadline=None)
@given(
    queries=st.integers(1, 5),
    keys=st.integers(1, SIZES.positions),
    value_width=st.integers(1, 6),
    batch=st.integers(1, 3),
)
def test_a_mechanism_equals_its_formula_for_any_shape(
    name: str, queries: int, keys: int, value_width: int, batch: int
) -> None:
    attention = make(name, seed=queries)
    assert_equals_loops(name, attention, *make_tensors(queries, keys, value_width, (batch,), keys))


@pytest.mark.parametrize("name", ["general", "additive", "location"])
def test_queries_and_keys_may_differ_in_width_where_a_matrix_lies_between(name: str) -> None:
    torch.manual_seed(0)
    attention = {
        "general": General(4, 3, scale=0.5),  # 1 / sqrt(4), the scale that the loops expect
        "additive": Additive(4, 3, hidden_width=6),
        "location": Location(4, positions=9),
    }[name].double()
    query, key, value = make_tensors(2, 5)
    assert_equals_loops(name, attention, query, key[..., :3], value)


def test_luongs_general_score_has_no_scale_of_its_own() -> None:
    attention, (query, key, _) = General(4, 4).double(), make_tensors(2, 3)
    expected = torch.einsum("bkx,xy,bqy->bqk", key, attention.weight, query)
    torch.testing.assert_close(attention.scores(query, key), expected)


def test_each_row_may_have_a_weight_vector_of_its_own() -> None:
    weight = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert_equals_loops("weighted", Weighted(weight), *make_tensors(3, 5))


@pytest.mark.parametrize("name", ZOO)
def test_a_mechanism_takes_any_leading_axes(name: str) -> None:
    attention = make(name)
    tensors = make_tensors(3, 5, batch=(2, 3))
    context, weights = attention(*tensors)
    assert context.shape == (2, 3, 3, 4)
    assert weights.shape == (2, 3, 3, 5)
    for i in range(2):
        for j in range(3):
            alone = attention(*(tensor[i, j] for tensor in tensors))
            torch.testing.assert_close(context[i, j], alone[0])
            torch.testing.assert_close(weights[i, j], alone[1])


@pytest.mark.parametrize("name", ZOO)
def test_the_gradient_is_the_derivative(name: str) -> None:
    attention = make(name)
    tensors = [tensor.requires_grad_() for tensor in make_tensors(2, 3)]
    mask = torch.tensor([[[True, False, True], [True] * 3], [[False] * 3, [False, True, True]]])
    parameters = dict(attention.named_parameters())

    def run(*flat: Tensor) -> tuple[Tensor, Tensor]:
        named = dict(zip(parameters, flat[3:], strict=True))
        return torch.func.functional_call(attention, named, (*flat[:3], mask))

    assert torch.autograd.gradcheck(run, (*tensors, *parameters.values()))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 6), st.sampled_from([1, 2, 4]), st.data())
def test_multi_head_equals_that_of_torch(
    queries: int, keys: int, heads: int, data: st.DataObject
) -> None:
    torch.manual_seed(queries * keys)
    ours = MultiHead(4, heads).double()
    theirs = nn.MultiheadAttention(4, heads, batch_first=True).double()
    parts = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    # Each query sees a key at least: torch gives NaN otherwise.
    rows = st.lists(st.booleans(), min_size=keys, max_size=keys).filter(any)
    mask = torch.tensor(data.draw(st.lists(rows, min_size=queries, max_size=queries)))
    query, key, value = make_tensors(queries, keys)
    expected = theirs(query, key, value, attn_mask=~mask, average_attn_weights=True)
    for got, wanted in zip(ours(query, key, value, mask), expected, strict=True):
        torch.testing.assert_close(got, wanted)


def test_more_keys_than_location_knows_are_refused() -> None:
    with pytest.raises(ValueError, match="knows 7 keys, not 8"):
        make("location")(*make_tensors(1, 8))


def test_rows_without_a_weight_vector_are_refused() -> None:
    with pytest.raises(ValueError, match="for 2 rows, not for 3"):
        Weighted(torch.zeros(2, 4).double())(*make_tensors(3, 5))


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="width 4 does not divide into 3 heads"):
        make_attention("multi_head", Sizes(width=4, heads=3))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aditive", r"no attention is called 'aditive' \(did you mean 'additive'\?\); known: "),
        ("quantum", r"no attention is called 'quantum'; known: scaled_dot_product, dot, general, "),
        (["dot"], r"no attention is called \['dot'\]"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_known(name: str, message: str) -> None:
    with pytest.raises(UnknownAttention, match=message):
        make_attention(name, SIZES)
