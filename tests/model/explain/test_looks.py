"""The weights are those that the network itself mixes by."""

from pathlib import Path

import pytest
import torch

from model.checkpoints.checkpoint import load_checkpoint
from model.explain.looks import look
from model.network.copy_head import source_bias
from model.network.layers import CrossAttention, MultiHeadAttention
from model.network.zoo import ZOO
from tests.model.checkpoints.families.builders import build
from tests.model.factories import TINY, make_ids, make_model, make_source


@pytest.mark.parametrize("mechanism", ZOO)
def test_the_weights_times_the_values_are_the_attention_s_own_output(mechanism: str) -> None:
    layer = make_model(cross_attention=mechanism).decoder.layers[0].cross_attention
    torch.manual_seed(1)
    states, x = torch.randn(2, 7, TINY.width), torch.randn(2, 3, TINY.width)
    lengths = torch.tensor([7, 4])
    key, value = layer.keys_and_values(states)
    weights = layer.weights(x, key, lengths)  # [B,H,q,L]
    assert torch.all(weights[1, :, :, 4:] == 0)
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    mixed = (weights @ value).transpose(1, 2).flatten(2)
    assert isinstance(layer, MultiHeadAttention | CrossAttention)
    torch.testing.assert_close(layer.out(mixed), layer(x, key, value, lengths))


def test_an_attention_that_scales_its_scores_its_own_way_shows_those_weights() -> None:
    torch.manual_seed(0)
    layer = MultiHeadAttention(16, 4, head_width=6, bias=False, scale=1.0)  # as T5's
    states, x, lengths = torch.randn(1, 7, 16), torch.randn(1, 3, 16), torch.tensor([5])
    key, value = layer.keys_and_values(states)
    mixed = (layer.weights(x, key, lengths) @ value).transpose(1, 2).flatten(2)
    torch.testing.assert_close(layer.out(mixed), layer(x, key, value, lengths))


@pytest.mark.parametrize("family", ["bart", "mbart", "pegasus", "marian", "t5", "mt5", "led"])
def test_every_family_s_cross_attention_can_be_looked_at(family: str, tmp_path: Path) -> None:
    build(family, tmp_path)
    looks = look(load_checkpoint(tmp_path), [9, 10, 11, 12, 13], [14, 15, 16])
    assert looks.copy is None
    assert len(looks.cross) == 2
    for weights in looks.cross:
        torch.testing.assert_close(weights.sum(-1), torch.ones(3))


@torch.inference_mode()
def test_a_finished_summary_shows_what_each_step_of_decoding_saw() -> None:
    model = make_model()
    source, lengths = make_source([9])
    summary = make_ids(5, seed=1).tolist()
    looks = look(model, source[0].tolist(), summary)
    states = model.encode(source, lengths)
    cross = model.cross_cache(states)
    bias = source_bias(lengths, 9)
    for step in range(5):
        read = torch.tensor([[TINY.start_id, *summary[:step]]])
        hidden, _ = model.decode(read, torch.zeros_like(lengths), lengths, cross, None)
        last = model.distribution(hidden[:, -1:], states, bias, source)
        torch.testing.assert_close(looks.copy[step], last.copy_attention[0, 0])
        torch.testing.assert_close(looks.gate[step], last.copy_gate[0, 0, 0])


def test_every_layer_looks_somewhere() -> None:
    looks = look(make_model(decoder_layers=3), make_ids(9).tolist(), [8, 9, 1])
    assert len(looks.cross) == 3
    for weights in looks.cross:
        assert weights.shape == (3, 9)
        torch.testing.assert_close(weights.sum(-1), torch.ones(3))
    assert not torch.equal(looks.cross[0], looks.cross[1])


def test_without_a_copy_head_there_is_cross_attention_alone() -> None:
    looks = look(make_model(copy_head=False), make_ids(9).tolist(), [8, 1])
    assert (looks.copy, looks.gate) == (None, None)
    assert len(looks.cross) == TINY.decoder_layers


def test_looking_leaves_no_hook_behind() -> None:
    model = make_model()
    look(model, make_ids(9).tolist(), [8, 1])
    assert not any(layer.cross_attention._forward_hooks for layer in model.decoder.layers)
