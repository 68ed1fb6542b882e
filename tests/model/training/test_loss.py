"""The loss at the targets is what the whole distribution says of them."""

from dataclasses import replace

import pytest
import torch

from model.training.batches import Batch, collate
from model.training.examples import Example
from model.training.loss import TeacherForcing
from tests.model.factories import TINY, make_model


def make_batch() -> Batch:
    examples = [
        Example("copied", [5, 9, 10, 9, 11, 1], [9, 11, 10, 1]),
        Example("new", [4, 20, 1], [30, 31, 32, 33, 34, 1]),
        Example("mixed", [5, 12, 13, 14, 1], [14, 35, 1]),
    ]
    return collate(examples, TINY.pad_id, TINY.start_id)


def by_the_whole_distribution(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    probabilities = model(batch.source, batch.source_lengths, batch.target_in)  # [B,T,V]
    total = torch.zeros((), dtype=probabilities.dtype)
    for row, targets in enumerate(batch.target_out.tolist()):
        for place, token in enumerate(targets):
            if token >= 0:
                total = total - probabilities[row, place, token].log()
    return total


@pytest.mark.parametrize("copy_head", [True, False])
def test_it_equals_the_whole_distribution_in_value_and_gradient(copy_head: bool) -> None:
    batch = make_batch()
    expected_model = make_model(copy_head=copy_head).double()
    expected = by_the_whole_distribution(expected_model, batch)
    expected.backward()

    model = make_model(copy_head=copy_head)
    minimised, likelihood = TeacherForcing(model)(batch)
    minimised.backward()

    assert likelihood.item() == pytest.approx(expected.item(), rel=1e-5)
    for (name, ours), theirs in zip(
        model.named_parameters(), expected_model.parameters(), strict=True
    ):
        assert torch.allclose(ours.grad.double(), theirs.grad, atol=1e-4), name


def test_what_padding_holds_changes_nothing() -> None:
    forcing, batch = TeacherForcing(make_model()), make_batch()
    expected = forcing(batch)[1].item()
    beyond = torch.arange(batch.source.shape[1]) >= batch.source_lengths[:, None]
    source = torch.where(beyond, 33, batch.source)
    target_in = torch.where(batch.target_out < 0, 17, batch.target_in)
    other = Batch(source, batch.source_lengths, target_in, batch.target_out)
    assert forcing(other)[1].item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("gate_bias", [-200.0, 200.0])
def test_a_gate_that_is_sure_keeps_loss_and_gradient_finite(gate_bias: float) -> None:
    model = make_model()
    with torch.no_grad():
        model.copy_head.gate.bias.fill_(gate_bias)
    minimised, _ = TeacherForcing(model)(make_batch())
    minimised.backward()
    assert minimised.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_label_smoothing_adds_the_mean_surprise_of_the_vocabulary() -> None:
    model, batch = make_model(copy_head=False), make_batch()
    plain, _ = TeacherForcing(model)(batch)
    smoothed, likelihood = TeacherForcing(model, label_smoothing=0.1)(batch)
    probabilities = model(batch.source, batch.source_lengths, batch.target_in)
    surprise = -probabilities.log().mean(-1)[batch.target_out >= 0].sum()
    assert likelihood.item() == pytest.approx(plain.item())
    assert smoothed.item() == pytest.approx((plain + 0.1 * surprise).item(), rel=1e-5)


def test_it_works_under_bf16_autocast() -> None:
    forcing, batch = TeacherForcing(make_model()), make_batch()
    exact, _ = forcing(batch)
    with torch.autocast("cpu", torch.bfloat16):
        rough, _ = forcing(batch)
    rough.backward()
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(exact.item(), rel=0.02)


def test_a_shifted_source_is_read_at_the_places_further_on() -> None:
    model, batch = make_model(), make_batch()
    forcing = TeacherForcing(model)
    plain = forcing(batch)[1].item()
    unmoved = replace(batch, start=torch.zeros(3, dtype=torch.long))
    assert forcing(unmoved)[1].item() == pytest.approx(plain, rel=1e-6)
    shifted = model.encode(batch.source, batch.source_lengths, torch.tensor([3, 3, 3]))
    model.embedding.positions = model.embedding.positions.roll(-3, 0)
    assert torch.allclose(shifted, model.encode(batch.source, batch.source_lengths))
