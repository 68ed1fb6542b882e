"""The two graphs of a bundle, exported with exactly the names of bundle/signature.py."""

from typing import Any

import onnx
import torch
from torch.export import Dim

from bundle.manifest import Geometry
from bundle.signature import cache_names, cross_names, decoder_step_signature, encoder_signature
from export.graphs import DecoderStepGraph, EncoderGraph
from export.onnx_ops import to_onnx
from model.copy_head import source_bias
from model.transformer import Summarizer

# Sizes of the example that is traced. All differ from one another and from 1, so none is taken for
# a constant.
_ROWS, _SOURCE, _CACHE, _EXCLUDED = 3, 11, 9, 5


def geometry_of(summarizer: Summarizer) -> Geometry:
    """The sizes that the runtime must know."""
    config = summarizer.config
    return Geometry(
        vocab_size=config.vocabulary_size,
        d_model=config.width,
        encoder_layers=config.encoder_layers,
        decoder_layers=config.decoder_layers,
        heads=config.heads,
        head_dim=config.head_width,
        max_positions=config.max_target_positions,
        copy_head=config.copy_head,
        max_source_positions=(
            None if config.max_target_positions == config.max_positions else config.max_positions
        ),
        relative_positions=True if config.positions == "relative" else None,
    )


def export_encoder(summarizer: Summarizer) -> onnx.ModelProto:
    """encoder.onnx in float32."""
    signature = encoder_signature(geometry_of(summarizer), "")
    batch, source = Dim("batch", min=1), Dim("source", min=1)
    return to_onnx(
        EncoderGraph(summarizer),
        _example_source(summarizer),
        input_names=[tensor.name for tensor in signature.inputs],
        output_names=[tensor.name for tensor in signature.outputs],
        dynamic_shapes=({0: batch, 1: source}, {0: batch}),
    )


def export_decoder_step(summarizer: Summarizer) -> onnx.ModelProto:
    """decoder_step.onnx in float32. It holds no Shape node: CUDA graphs can capture it."""
    geometry = geometry_of(summarizer)
    signature = decoder_step_signature(geometry, "")
    batch, source = Dim("batch", min=1), Dim("source", min=1)
    cache, excluded = Dim("cache", min=1), Dim("excluded", min=1)
    source_ids, lengths = _example_source(summarizer)
    head_shape = (_ROWS, geometry.heads, _SOURCE, geometry.head_dim)
    cache_shape = (_ROWS, geometry.heads, _CACHE, geometry.head_dim)
    others: list[torch.Tensor] = []
    dynamic: list[Any] = []
    if geometry.relative_positions:
        others.append(torch.arange(_CACHE))
        dynamic.append({0: cache})
    if geometry.copy_head:
        states = torch.randn(_ROWS, _SOURCE, geometry.d_model)
        others += [source_ids, source_bias(lengths, _SOURCE), states]
        dynamic += [{0: batch, 1: source}] * 3
    for _ in cross_names(geometry):
        others.append(torch.randn(head_shape))
        dynamic.append({0: batch, 2: source})
    for _ in cache_names(geometry):
        others.append(torch.zeros(cache_shape))
        dynamic.append({0: batch, 2: cache})
    arguments = (
        torch.randint(geometry.vocab_size, (_ROWS, 1)),
        torch.tensor([0, 4, 2]),
        lengths,
        torch.full((_ROWS, 1, _EXCLUDED), -1),
        others,
    )
    graph_model = to_onnx(
        DecoderStepGraph(summarizer),
        arguments,
        input_names=[tensor.name for tensor in signature.inputs],
        output_names=[tensor.name for tensor in signature.outputs],
        dynamic_shapes=(
            {0: batch},
            {0: batch},
            {0: batch},
            {0: batch, 2: excluded},
            dynamic,
        ),
    )
    if any(node.op_type == "Shape" for node in graph_model.graph.node):
        raise RuntimeError("decoder_step has a Shape node, which CUDA graphs cannot capture")
    return graph_model


def _example_source(summarizer: Summarizer) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(summarizer.config.vocabulary_size, (_ROWS, _SOURCE))
    return ids, torch.tensor([_SOURCE, 7, 4])
