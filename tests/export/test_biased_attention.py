"""A bias on the scores, and a scale of their own, reach ONNX Runtime with the same values."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from export.convert import export_encoder
from export.graphs import EncoderGraph
from export.onnx_ops import to_onnx
from model.attention import scaled_dot_product
from model.checkpoint import load_checkpoint
from model.transformer import Summarizer
from tests.model.families.builders import build
from tests.onnx_session import open_graph

LENGTHS = [5, 4, 7]
# Unscaled scores of wide random weights magnify float32's rounding; the values are around 10.
ROUNDING = 1e-3


def run(graph: onnx.ModelProto, tensors: list[Tensor]) -> list[np.ndarray]:
    session = open_graph(graph)
    names = [item.name for item in session.get_inputs()]
    feeds = {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)}
    return session.run(None, feeds)


class Attend(nn.Module):
    def __init__(self, causal: bool, scale: float | None) -> None:
        super().__init__()
        self.causal, self.scale = causal, scale

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, lengths: Tensor, bias: Tensor
    ) -> Tensor:
        return scaled_dot_product(query, key, value, lengths, self.causal, bias, self.scale)


@pytest.mark.parametrize(
    ("causal", "new_count", "bias_rows", "scale"),
    [(False, 7, 1, None), (False, 7, 3, 1.0), (True, 1, 3, 1.0), (True, 3, 1, None)],
)
def test_onnx_runtime_adds_the_bias_and_honours_lengths_and_scale(
    causal: bool, new_count: int, bias_rows: int, scale: float | None
) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(3, 2, new_count, 4, generator=generator)
    key, value = torch.randn(2, 3, 2, 7, 4, generator=generator)
    bias = 2 * torch.randn(bias_rows, 2, new_count, 7, generator=generator)
    bias[..., 1] = -torch.inf
    inputs = (query, key, value, torch.tensor(LENGTHS), bias)
    module = Attend(causal, scale)
    graph = to_onnx(
        module,
        inputs,
        input_names=["query", "key", "value", "lengths", "bias"],
        output_names=["mixed"],
        dynamic_shapes=({},) * 5,
    )
    assert [node.op_type for node in graph.graph.node] == ["Attention"]
    np.testing.assert_allclose(run(graph, list(inputs))[0], module(*inputs), atol=2e-6)


@pytest.mark.parametrize("family", ["t5", "led"])
@torch.inference_mode()
def test_an_encoder_with_a_bias_serves_any_length(family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    build(family, tmp_path)
    model = load_checkpoint(tmp_path)
    graph = export_encoder(model)
    for lengths in ([30, 9], [1], [6, 2, 5]):
        source_ids = torch.randint(8, 60, (len(lengths), max(lengths)))
        expected = EncoderGraph(model)(source_ids, torch.tensor(lengths))
        got = run(graph, [source_ids, torch.tensor(lengths)])
        num_cross = 2 * model.config.decoder_layers
        for ours, theirs in zip(expected[:num_cross], got[:num_cross], strict=True):
            for row, length in enumerate(lengths):
                real = (row, slice(None), slice(length))
                np.testing.assert_allclose(theirs[real], ours[real], atol=ROUNDING)
        # What passes between the layers: the bias of all rows, where there is one, and states.
        for ours, theirs in zip(expected[num_cross:], got[num_cross:], strict=True):
            assert theirs.shape == ours.shape


class RelativeStep(nn.Module):
    """A decoder step that is told the places of its slots."""

    def __init__(self, model: Summarizer) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        ids: Tensor,
        position: Tensor,
        lengths: Tensor,
        slot_positions: Tensor,
        cross: list[Tensor],
        cache: list[Tensor],
    ) -> Tensor:
        pairs = [list(zip(flat[::2], flat[1::2], strict=True)) for flat in (cross, cache)]
        hidden, _ = self.model.decode(ids, position, lengths, *pairs, slot_positions)
        return self.model.logits(hidden)


@torch.inference_mode()
def test_a_step_with_relative_positions_asks_for_no_shape(tmp_path: Path) -> None:
    torch.manual_seed(0)
    build("t5", tmp_path)
    model = load_checkpoint(tmp_path)

    def inputs(rows: int, source: int, capacity: int) -> tuple[Any, ...]:
        lengths = torch.arange(source, source - rows, -1)
        source_ids = torch.randint(8, 60, (rows, source))
        states = model.encode(source_ids, lengths)
        cross = [part for pair in model.cross_cache(states) for part in pair]
        empty = [part for pair in model.empty_self_cache(rows, capacity) for part in pair]
        cache = [torch.randn_like(part) for part in empty]
        position = torch.arange(rows) * 3
        return position[:, None] + 9, position, lengths, torch.arange(capacity), cross, cache

    batch, source, slots = Dim("batch", min=1), Dim("source", min=1), Dim("cache", min=1)
    layers = 2 * model.config.decoder_layers
    graph = to_onnx(
        RelativeStep(model),
        inputs(3, 11, 9),
        input_names=["ids", "position", "lengths", "slots"]
        + [f"{kind}_{i}" for kind in ("cross", "cache") for i in range(layers)],
        output_names=["logits"],
        dynamic_shapes=(
            *({0: batch},) * 3,
            {0: slots},
            [{0: batch, 2: source}] * layers,
            [{0: batch, 2: slots}] * layers,
        ),
    )
    assert not {"Shape", "Range"} & {node.op_type for node in graph.graph.node}
    *tensors, cross, cache = inputs(2, 7, 16)
    expected = RelativeStep(model)(*tensors, cross, cache)
    np.testing.assert_allclose(run(graph, [*tensors, *cross, *cache])[0], expected, atol=ROUNDING)
