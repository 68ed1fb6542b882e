"""The graphs of an int8 bundle, each part in the form that suits it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import onnx

from bundle.manifest import Geometry
from bundle.signature import DECODER_STEP, ENCODER, cross_names
from export.passes.quantise.blocks import quantise_blocks, quantise_embedding
from export.passes.quantise.cross import quantise_decoder_cross, quantise_encoder_cross
from export.passes.quantise.even_rounding import round_evenly
from export.passes.quantise.rows import quantise_rows


def quantise(
    graphs: Mapping[str, onnx.ModelProto],
    geometry: Geometry,
    decoder_weights: Literal["rows", "blocks"],
) -> Geometry:
    """Rewrites the graphs, by name, and returns the geometry that they have now."""
    quantised = replace(geometry, int8_cross=_has_int8_cross(graphs, geometry) or None)
    for name, graph_model in graphs.items():
        if name == ENCODER or decoder_weights == "rows":
            quantise_rows(graph_model)
        else:
            quantise_blocks(graph_model)
        quantise_embedding(graph_model)
        if quantised.int8_cross:
            rewrite = quantise_encoder_cross if name == ENCODER else quantise_decoder_cross
            rewrite(graph_model, quantised)
    round_evenly(graphs[DECODER_STEP], quantised)
    return quantised


def _has_int8_cross(graphs: Mapping[str, onnx.ModelProto], geometry: Geometry) -> bool:
    """Whether the decoders read the source by multi-head attention, which alone is rewritten."""
    keys = {name for name in cross_names(geometry) if name.startswith("cross_key")}
    return all(
        keys <= {node.input[1] for node in graph_model.graph.node if node.op_type == "Attention"}
        for name, graph_model in graphs.items()
        if name != ENCODER
    )
