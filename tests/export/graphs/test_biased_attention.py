"""A bias on the scores, and a scale of their own, reach ONNX Runtime with the same values."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from bundle.signature import ENCODER, cross_names
from export.graphs.modules import EncoderGraph
from export.graphs.onnx_ops import to_onnx
from model.checkpoints.checkpoint import load_checkpoint
from model.network.attention import scaled_dot_product
from tests.export.family_bundles import FamilyBundle
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
def test_an_encoder_with_a_bias_serves_any_length(
    family: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    made = family_bundle(family)
    model, session = load_checkpoint(made.checkpoint), open_graph(made.bundle.graph_path(ENCODER))
    names = cross_names(made.bundle.manifest.geometry)
    generator = torch.Generator().manual_seed(0)
    for lengths in ([30, 9], [1], [6, 2, 5]):
        shape = (len(lengths), max(lengths))
        source_ids = torch.randint(8, model.config.vocabulary_size, shape, generator=generator)
        expected = EncoderGraph(model)(source_ids, torch.tensor(lengths))
        inputs = {"source_ids": source_ids.numpy(), "source_lengths": np.array(lengths)}
        got = session.run(names, inputs)
        for ours, theirs in zip(expected[: len(names)], got, strict=True):
            for row, length in enumerate(lengths):
                real = (row, slice(None), slice(length))
                np.testing.assert_allclose(theirs[real], ours[real], atol=ROUNDING)
