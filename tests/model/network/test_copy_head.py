"""The copy head against its formula in loops, and its padding in both precisions."""

import math

import pytest
import torch

from model.network.copy_head import CopyHead, mixture, source_bias
from model.network.zoo import ZOO, Sizes, make_attention
from tests.model.factories import TINY, make_ids, make_model, make_source


def test_the_whole_mixture_equals_the_formula_in_loops() -> None:
    model = make_model()
    source_ids, source_lengths = make_source([9, 4, 1])
    source_ids[0, 3] = source_ids[0, 7]  # a token that occurs twice collects both attentions
    target_ids = make_ids(3, 5, seed=1)
    batch, target_count, width = 3, 5, TINY.width
    with torch.no_grad():
        got = model(source_ids, source_lengths, target_ids)
        states = model.encode(source_ids, source_lengths)
        hidden, _ = model.decode(
            target_ids,
            torch.zeros(batch, dtype=torch.long),
            source_lengths,
            model.cross_cache(states),
            model.empty_self_cache(batch, target_count),
        )
    weights = {name: value.double() for name, value in model.state_dict().items()}
    for b in range(batch):
        encoded = states[b, : source_lengths[b]].double()
        for t in range(target_count):
            h = hidden[b, t].double()
            scores = encoded @ (weights["copy_head.query.weight"] @ h) / math.sqrt(width)
            a = scores.exp() / scores.exp().sum()
            context = sum(a[i] * encoded[i] for i in range(len(a)))
            gate_in = torch.cat([h, context]) @ weights["copy_head.gate.weight"][0]
            g = 1 / (1 + math.exp(-(gate_in + weights["copy_head.gate.bias"][0])))
            logits = weights["embedding.tokens.weight"] @ h
            p = (1 - g) * logits.exp() / logits.exp().sum()
            for i in range(len(a)):
                p[source_ids[b, i]] += g * a[i]
            torch.testing.assert_close(got[b, t].double(), p, atol=1e-6, rtol=1e-4)


def test_the_mixture_is_a_distribution() -> None:
    model = make_model()
    source_ids, source_lengths = make_source([9, 4, 1])
    probabilities = model(source_ids, source_lengths, make_ids(3, 5))
    assert probabilities.min() >= 0
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(3, 5))


def test_one_new_token_is_mixed_as_one_of_several() -> None:
    p_vocab, attention = (torch.rand(2, 3, n).softmax(-1) for n in (TINY.vocabulary_size, 6))
    gate, source_ids = torch.rand(2, 3, 1), make_ids(2, 6)
    together = mixture(p_vocab, attention, gate, source_ids)
    for i in range(3):
        alone = mixture(
            p_vocab[:, i : i + 1], attention[:, i : i + 1], gate[:, i : i + 1], source_ids
        )
        assert torch.equal(alone, together[:, i : i + 1])


def test_the_gate_lies_between_naming_and_copying() -> None:
    p_vocab, attention = torch.rand(1, 1, 40).softmax(-1), torch.tensor([[[0.25, 0.75]]])
    source_ids = torch.tensor([[9, 30]])
    assert torch.equal(mixture(p_vocab, attention, torch.zeros(1, 1, 1), source_ids), p_vocab)
    copied = mixture(p_vocab, attention, torch.ones(1, 1, 1), source_ids)
    assert copied[0, 0, 9] == 0.25
    assert copied[0, 0, 30] == 0.75
    assert copied.sum() == 1


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_padding_is_never_copied_and_a_row_of_padding_stays_finite(
    dtype: torch.dtype, name: str
) -> None:
    torch.manual_seed(0)
    head = CopyHead(16, make_attention(name, Sizes(width=16, heads=4, positions=5))).to(dtype)
    hidden, states = torch.randn(2, 3, 16, dtype=dtype) * 10, torch.randn(2, 5, 16, dtype=dtype)
    bias = source_bias(torch.tensor([2, 0]), 5, dtype)
    attention, gate = head(hidden, states * 10, bias)
    assert torch.equal(attention[0, :, 2:], torch.zeros(3, 3, dtype=dtype))
    assert attention.isfinite().all()
    assert gate.isfinite().all()
