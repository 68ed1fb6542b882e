"""Which attentions of the zoo reach ONNX, and how the others are refused."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.export import Dim

from export.graphs.onnx_ops import to_onnx
from export.pipeline import ExportError, refuse_unexportable
from model.checkpoints.config_file import config_from, config_values
from model.checkpoints.serving_limits import EXPORTABLE_ATTENTION
from model.network.copy_head import source_bias
from model.network.zoo import ZOO
from tests.model.factories import TINY, make_model
from tests.onnx_session import open_graph

REFUSED = [
    (key, name) for key, names in EXPORTABLE_ATTENTION.items() for name in ZOO if name not in names
]


def test_what_is_refused_is_what_the_page_on_attention_says() -> None:
    others = [("cross_attention", name) for name in ZOO if name != "multi_head"]
    assert {*REFUSED} == {("copy_attention", "location"), ("copy_attention", "multi_head"), *others}


@pytest.mark.parametrize(("key", "name"), REFUSED)
def test_an_attention_that_onnx_does_not_get_is_refused_with_its_key(key: str, name: str) -> None:
    config = config_from(config_values(TINY) | {key: name})
    with pytest.raises(ExportError, match=f"{key}='{name}' cannot be exported; only "):
        refuse_unexportable(config)


def test_a_copy_attention_that_is_not_there_hinders_no_export() -> None:
    values = config_values(TINY) | {"copy_head": False, "copy_attention": "location"}
    refuse_unexportable(config_from(values))


@pytest.mark.parametrize("name", EXPORTABLE_ATTENTION["copy_attention"])
@torch.inference_mode()
def test_an_exported_copy_attention_computes_what_pytorch_does(name: str) -> None:
    model = make_model(copy_attention=name)
    refuse_unexportable(model.config)
    assert model.copy_head is not None
    width, batch, source = model.config.width, Dim("batch", min=1), Dim("source", min=1)
    graph = to_onnx(
        model.copy_head,
        _inputs(width, [11, 5, 7]),
        input_names=["hidden", "states", "source_bias"],
        output_names=["attention", "gate"],
        dynamic_shapes=({0: batch}, {0: batch, 1: source}, {0: batch, 1: source}),
    )
    assert "Shape" not in {node.op_type for node in graph.graph.node}, "a decoder step has none"
    session = open_graph(graph)
    for lengths in ([9, 4], [1], [3] * 5):
        inputs = _inputs(width, lengths)
        names = [item.name for item in session.get_inputs()]
        feeds = {key: value.numpy() for key, value in zip(names, inputs, strict=True)}
        for ours, theirs in zip(model.copy_head(*inputs), session.run(None, feeds), strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5, rtol=1e-4)


def _inputs(width: int, lengths: list[int]) -> tuple[Tensor, ...]:
    """A step of one token a row, and sources of so many tokens."""
    rows, longest = len(lengths), max(lengths)
    states = torch.randn(rows, longest, width)
    return torch.randn(rows, 1, width), states, source_bias(torch.tensor(lengths), longest)
