"""The graphs of a bundle, exported with exactly the names of bundle/signature.py.

They are of the type that the network's weights are of.
"""

from collections.abc import Mapping
from typing import Any, Literal

import onnx
import torch
from torch.export import Dim

from bundle.manifest import Geometry, GraphSpec
from bundle.signature import (
    cache_names,
    cross_names,
    cut_names,
    decoder_ahead_signature,
    decoder_step_signature,
    decoder_tokens_signature,
    encoder_signature,
    shared_between_slices,
)
from export.graphs.ahead import DecoderAheadGraph
from export.graphs.modules import DecoderStepGraph, DecoderTokensGraph, EncoderGraph
from export.graphs.onnx_ops import to_onnx
from export.passes.heads import drop_transposes, flatten_attention
from export.passes.shapeless import drop_shapes
from model.network.copy_head import source_bias
from model.network.transformer import Summarizer

_FLOAT_TYPES: Mapping[torch.dtype, Literal["float16", "bfloat16"]] = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}

# Sizes of the example that is traced. All differ from one another and from 1, so none is taken for
# a constant.
_ROWS, _SOURCE, _CACHE, _EXCLUDED, _TOKENS = 3, 11, 9, 5, 4

_BATCH, _SOURCE_DIM = Dim("batch", min=1), Dim("source", min=1)
_CACHE_DIM, _EXCLUDED_DIM = Dim("cache", min=1), Dim("excluded", min=1)
_TOKENS_DIM = Dim("tokens", min=1)


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
        float_type=_FLOAT_TYPES.get(_dtype(summarizer)),
    )


def export_encoder(summarizer: Summarizer) -> onnx.ModelProto:
    """encoder.onnx, with what passes between its layers as outputs too."""
    geometry = geometry_of(summarizer)
    names = _names(encoder_signature(geometry, ""))
    names["output_names"] += [*shared_between_slices(geometry), *cut_names(geometry)]
    graph_model = to_onnx(
        EncoderGraph(summarizer),
        _example_source(summarizer),
        **names,
        dynamic_shapes=({0: _BATCH, 1: _SOURCE_DIM}, {0: _BATCH}),
    )
    if geometry.float_type is None:  # the form that is quick on the CPU
        flatten_attention(graph_model, geometry.heads)
    return graph_model


def export_decoder_step(summarizer: Summarizer) -> onnx.ModelProto:
    """decoder_step.onnx. It holds no Shape node: CUDA graphs can capture it."""
    geometry = geometry_of(summarizer)
    others, dynamic = _others(summarizer, {0: _CACHE_DIM}, torch.arange(_CACHE))
    graph_model = to_onnx(
        DecoderStepGraph(summarizer),
        (*_example_tokens(geometry, 1), others),
        **_names(decoder_step_signature(geometry, "")),
        dynamic_shapes=({0: _BATCH}, {0: _BATCH}, {0: _BATCH, 2: _EXCLUDED_DIM}, dynamic),
    )
    if any(node.op_type == "Shape" for node in graph_model.graph.node):
        raise RuntimeError("decoder_step has a Shape node, which CUDA graphs cannot capture")
    drop_transposes(graph_model, geometry)
    return graph_model


def export_decoder_tokens(summarizer: Summarizer) -> onnx.ModelProto:
    """decoder_tokens.onnx: as many tokens a row as a step likes."""
    geometry = geometry_of(summarizer)
    slots = torch.arange(_CACHE).expand(_ROWS, -1).clone()
    others, dynamic = _others(summarizer, {0: _BATCH, 1: _CACHE_DIM}, slots)
    places = torch.arange(_TOKENS).expand(_ROWS, -1).clone()
    visible = torch.ones(_ROWS, _TOKENS, _CACHE, dtype=torch.bool)
    return to_onnx(
        DecoderTokensGraph(summarizer),
        (*_example_tokens(geometry, _TOKENS), places, visible, others),
        **_names(decoder_tokens_signature(geometry, "")),
        dynamic_shapes=(
            {0: _BATCH, 1: _TOKENS_DIM},
            {0: _BATCH},
            {0: _BATCH, 1: _TOKENS_DIM, 2: _EXCLUDED_DIM},
            {0: _BATCH, 1: _TOKENS_DIM},
            {0: _BATCH, 1: _TOKENS_DIM, 2: _CACHE_DIM},
            dynamic,
        ),
    )


def export_decoder_ahead(summarizer: Summarizer) -> onnx.ModelProto:
    """decoder_ahead.onnx: it gives the inputs of the step after it, and holds no Shape node."""
    geometry = geometry_of(summarizer)
    count = _TOKENS if geometry.copy_head else 1
    tokens = {1: _TOKENS_DIM} if geometry.copy_head else {}
    others, dynamic = _others(summarizer, {0: _CACHE_DIM}, torch.arange(_CACHE))
    graph_model = to_onnx(
        DecoderAheadGraph(summarizer),
        (*_example_tokens(geometry, count), others),
        **_names(decoder_ahead_signature(geometry, "")),
        dynamic_shapes=(
            {0: _BATCH} | tokens,
            {0: _BATCH},
            {0: _BATCH, 2: _EXCLUDED_DIM} | tokens,
            dynamic,
        ),
    )
    if geometry.copy_head:
        drop_shapes(graph_model)
    else:
        drop_transposes(graph_model, geometry)
    return graph_model


def _names(signature: GraphSpec) -> dict[str, list[str]]:
    return {
        "input_names": [tensor.name for tensor in signature.inputs],
        "output_names": [tensor.name for tensor in signature.outputs],
    }


def _example_tokens(geometry: Geometry, count: int) -> tuple[torch.Tensor, ...]:
    """Token ids, their first slot and what must not follow them."""
    return (
        torch.randint(geometry.vocab_size, (_ROWS, count)),
        torch.tensor([0, 4, 2]),
        torch.full((_ROWS, count, _EXCLUDED), -1),
    )


def _others(
    summarizer: Summarizer, slots_axes: dict[int, Any], slots: torch.Tensor
) -> tuple[list[torch.Tensor], list[Any]]:
    """The inputs that come in one list, and their free axes."""
    geometry, dtype = geometry_of(summarizer), _dtype(summarizer)
    source_ids, lengths = _example_source(summarizer)
    head_shape = (_ROWS, geometry.heads, _SOURCE, geometry.head_dim)
    cache_shape = (_ROWS, geometry.heads, _CACHE, geometry.head_dim)
    others: list[torch.Tensor] = []
    dynamic: list[Any] = []
    if geometry.relative_positions:
        others.append(slots)
        dynamic.append(slots_axes)
    others.append(lengths)
    dynamic.append({0: _BATCH})
    if geometry.copy_head:
        states = torch.randn(_ROWS, _SOURCE, geometry.d_model, dtype=dtype)
        others += [source_ids, source_bias(lengths, _SOURCE, dtype), states]
        dynamic += [{0: _BATCH, 1: _SOURCE_DIM}] * 3
    for _ in cross_names(geometry):
        others.append(torch.randn(head_shape, dtype=dtype))
        dynamic.append({0: _BATCH, 2: _SOURCE_DIM})
    for _ in cache_names(geometry):
        others.append(torch.zeros(cache_shape, dtype=dtype))
        dynamic.append({0: _BATCH, 2: _CACHE_DIM})
    return others, dynamic


def _dtype(summarizer: Summarizer) -> torch.dtype:
    return summarizer.embedding.tokens.weight.dtype


def _example_source(summarizer: Summarizer) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(summarizer.config.vocabulary_size, (_ROWS, _SOURCE))
    return ids, torch.tensor([_SOURCE, 7, 4])
