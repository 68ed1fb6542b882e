"""The network: slots at any position, in any split, give what teacher forcing gives."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model.network.transformer import Summarizer
from model.network.zoo import ZOO
from tests.model.factories import make_ids, make_model, make_source

SOURCE_LENGTHS = [9, 3, 6]
ROWS = len(SOURCE_LENGTHS)
TARGET_COUNT = 10
MODEL = make_model()


def teacher_forced(model: Summarizer, target_ids: Tensor) -> Tensor:
    """Hidden states [B,T,d] of a whole target at once."""
    source_ids, lengths = make_source(SOURCE_LENGTHS)
    cross = model.cross_cache(model.encode(source_ids, lengths))
    cache = model.empty_self_cache(*target_ids.shape)
    return model.decode(target_ids, torch.zeros_like(lengths), lengths, cross, cache)[0]


@st.composite
def ragged_splits(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """How much of each row is cached at first, and how many new tokens each step then brings."""
    starts = draw(st.lists(st.integers(0, TARGET_COUNT - 1), min_size=ROWS, max_size=ROWS))
    left = TARGET_COUNT - max(starts)
    cuts = draw(st.sets(st.integers(1, left - 1))) if left > 1 else set()
    edges = [0, *sorted(cuts), left]
    return starts, [b - a for a, b in pairwise(edges)]


@settings(max_examples=40, deadline=None)
@given(ragged_splits())
@torch.inference_mode()
def test_any_split_from_any_positions_equals_teacher_forcing(
    case: tuple[list[int], list[int]],
) -> None:
    starts, counts = case
    source_ids, lengths = make_source(SOURCE_LENGTHS)
    target_ids = make_ids(ROWS, TARGET_COUNT, seed=2)
    expected = teacher_forced(MODEL, target_ids)
    cross = MODEL.cross_cache(MODEL.encode(source_ids, lengths))

    # What slots past a row's position hold is left over from others: it must not matter.
    capacity = TARGET_COUNT + 3
    cache = [
        (torch.full_like(k, 9.0), torch.full_like(v, -7.0))
        for k, v in MODEL.empty_self_cache(ROWS, capacity)
    ]
    for row, start in enumerate(starts):
        if start:
            one = slice(row, row + 1)
            _, filled = MODEL.decode(
                target_ids[one, :start],
                torch.tensor([0]),
                lengths[one],
                [(k[one], v[one]) for k, v in cross],
                [(k[one], v[one]) for k, v in cache],
            )
            for (key, value), (new_key, new_value) in zip(cache, filled, strict=True):
                key[one], value[one] = new_key, new_value

    position = torch.tensor(starts)
    for count in counts:
        columns = position[:, None] + torch.arange(count)
        hidden, cache = MODEL.decode(target_ids.gather(1, columns), position, lengths, cross, cache)
        for row in range(ROWS):
            torch.testing.assert_close(
                hidden[row], expected[row, columns[row]], atol=1e-5, rtol=1e-4
            )
        position = position + count


@torch.inference_mode()
def assert_independent_rows(model: Summarizer) -> None:
    source_ids, lengths = make_source(SOURCE_LENGTHS)
    target_ids = make_ids(ROWS, 4, seed=3)
    together = model(source_ids, lengths, target_ids)
    for row, length in enumerate(SOURCE_LENGTHS):
        one = slice(row, row + 1)
        alone = model(source_ids[one, :length], lengths[one], target_ids[one])
        torch.testing.assert_close(alone, together[one], atol=1e-6, rtol=1e-4)


def test_a_row_does_not_depend_on_its_company() -> None:
    assert_independent_rows(MODEL)


@torch.inference_mode()
def test_a_later_target_token_changes_nothing_before_it() -> None:
    target_ids = make_ids(ROWS, 6)
    changed = target_ids.clone()
    changed[:, 4] = 8 + (changed[:, 4] - 7) % 30
    before, after = teacher_forced(MODEL, target_ids), teacher_forced(MODEL, changed)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4], after[:, 4])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        *({"copy_attention": name} for name in ZOO),
        # "weighted" reads no query, which leaves the norm before a cross-attention without effect.
        *({"cross_attention": name} for name in ZOO if name != "weighted"),
    ],
    ids=str,
)
def test_every_parameter_learns_from_a_training_step(changes: dict[str, str]) -> None:
    model = make_model(**changes).train()
    source_ids, lengths = make_source(SOURCE_LENGTHS)
    probabilities = model(source_ids, lengths, make_ids(ROWS, 4))
    probabilities[..., 8].log().sum().backward()
    # A key's bias shifts all scores of a query alike, so softmax leaves it without a gradient.
    still = [
        name
        for name, parameter in model.named_parameters()
        if not parameter.grad.abs().max() > 0 and not name.endswith("key.bias")
    ]
    assert still == []


@pytest.mark.parametrize("name", ZOO)
@torch.inference_mode()
def test_with_any_cross_attention_a_step_gives_what_teacher_forcing_gives(name: str) -> None:
    model = make_model(cross_attention=name)
    source_ids, lengths = make_source(SOURCE_LENGTHS)
    target_ids = make_ids(ROWS, TARGET_COUNT, seed=2)
    expected = teacher_forced(model, target_ids)
    cross = model.cross_cache(model.encode(source_ids, lengths))
    cache = model.empty_self_cache(ROWS, TARGET_COUNT)
    for column in range(TARGET_COUNT):
        ids, position = target_ids[:, column : column + 1], torch.full_like(lengths, column)
        hidden, cache = model.decode(ids, position, lengths, cross, cache)
        torch.testing.assert_close(hidden[:, 0], expected[:, column], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("key", ["copy_attention", "cross_attention"])
def test_with_any_attention_a_row_does_not_depend_on_its_company(key: str, name: str) -> None:
    assert_independent_rows(make_model(**{key: name}))


def test_without_a_copy_head_the_distribution_is_the_vocabulary_alone() -> None:
    model = make_model(copy_head=False)
    hidden = torch.randn(2, 3, 16)
    got = model.distribution(hidden, torch.zeros(2, 5, 16), torch.zeros(2, 5), make_ids(2, 5))
    torch.testing.assert_close(got.probabilities, model.logits(hidden).softmax(-1))
    assert got.copy_attention is None
    assert got.copy_gate is None


def test_a_source_longer_than_the_position_table_is_an_error() -> None:
    source_ids, lengths = make_source([33])
    with pytest.raises(IndexError):
        MODEL.encode(source_ids, lengths)
