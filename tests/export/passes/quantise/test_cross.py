"""Cross-attention over keys and values in eight bits: near the real one, and of each row alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from bundle.arithmetic import LARGEST_SIGNED
from bundle.manifest import Geometry
from bundle.signature import DECODER_STEP, ENCODER, SOURCE_PADDING_BIAS, cross_names
from export.passes.quantise.cross import quantise_decoder_cross, quantise_encoder_cross
from export.passes.quantise.quantise import quantise
from tests.onnx_session import open_graph

HEADS, WIDTH = 2, 16
GEOMETRY = Geometry(
    vocab_size=50, d_model=HEADS * WIDTH, encoder_layers=1, decoder_layers=1, heads=HEADS,
    head_dim=WIDTH, max_positions=100, copy_head=False, int8_cross=True,
)  # fmt: skip
FLOATS = replace(GEOMETRY, int8_cross=None)
# Root mean square of the error over that of the values.
MOST_ERROR_OF_VALUES, MOST_ERROR_OF_ATTENTION = 0.01, 0.02

Array = NDArray[np.generic]


def floats(name: str, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model_of(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)


def make_encoder() -> onnx.ModelProto:
    """Gives keys and values as they come in."""
    nodes = [
        helper.make_node("Identity", [f"given_{i}"], [f"cross_{i}_0"]) for i in ("key", "value")
    ]
    shape = ("batch", HEADS, "source", WIDTH)
    return model_of(
        helper.make_graph(
            nodes,
            "encoder",
            [floats("given_key", *shape), floats("given_value", *shape)],
            [floats("cross_key_0", *shape), floats("cross_value_0", *shape)],
        )
    )


def make_decoder(*, scale: float | None = None) -> onnx.ModelProto:
    """Attends from some queries over what the encoder gave."""
    attributes = {} if scale is None else {"scale": scale}
    node = helper.make_node(
        "Attention",
        ["query", "cross_key_0", "cross_value_0", "", "", "", "source_lengths"],
        ["mixed"],
        **attributes,
    )
    shape = ("batch", HEADS, "source", WIDTH)
    return model_of(
        helper.make_graph(
            [node],
            "decoder",
            [
                floats("query", "batch", HEADS, "tokens", WIDTH),
                helper.make_tensor_value_info("source_lengths", TensorProto.INT64, ["batch"]),
                floats("cross_key_0", *shape),
                floats("cross_value_0", *shape),
            ],
            [floats("mixed", "batch", HEADS, "tokens", WIDTH)],
        )
    )


def run(model: onnx.ModelProto, values: dict[str, Array]) -> dict[str, Array]:
    onnx.checker.check_model(model)
    session = open_graph(model)
    names = [tensor.name for tensor in session.get_outputs()]
    inputs = {tensor.name: values[tensor.name] for tensor in session.get_inputs()}
    return dict(zip(names, session.run(names, inputs), strict=True))


ENCODER_INT8, DECODER_INT8 = make_encoder(), make_decoder()
quantise_encoder_cross(ENCODER_INT8, GEOMETRY)
quantise_decoder_cross(DECODER_INT8, GEOMETRY)


def make_document(seed: int, tokens: int, size: float = 1.0) -> dict[str, Array]:
    draw = np.random.default_rng(seed)
    return {
        name: (size * draw.standard_normal((1, HEADS, tokens, WIDTH))).astype(np.float32)
        for name in ("given_key", "given_value")
    }


def batched(documents: Sequence[dict[str, Array]], capacity: int) -> dict[str, Array]:
    """Pads the documents' keys and values with what would show if anything read it."""
    return {
        name: np.concatenate(
            [
                np.pad(
                    document[name],
                    [(0, 0), (0, 0), (0, capacity - document[name].shape[2]), (0, 0)],
                    constant_values=1e6,
                )
                for document in documents
            ]
        )
        for name in ("given_key", "given_value")
    }


def stored(encoded: dict[str, Array], lengths: Sequence[int]) -> dict[str, Array]:
    """What a server keeps: zeros after each document's own tokens."""
    kept = {name: array.copy() for name, array in encoded.items()}
    for name, array in kept.items():
        by_token = array.swapaxes(2, 3) if name != "cross_value_0" else array
        for row, length in enumerate(lengths):
            by_token[row, :, length:] = 0
    return kept


def attend(
    encoded: dict[str, Array],
    queries: Array,
    lengths: Sequence[int],
    decoder: onnx.ModelProto = DECODER_INT8,
) -> Array:
    capacity = encoded["cross_value_0"].shape[2]
    bias = np.where(np.arange(capacity) < np.array(lengths)[:, None], 0, SOURCE_PADDING_BIAS)
    step = {"query": queries, "source_bias": bias.astype(np.float32)}
    return run(decoder, stored(encoded, lengths) | step)["mixed"]


def make_queries(rows: int, tokens: int = 3) -> Array:
    draw = np.random.default_rng(7)
    return draw.standard_normal((rows, HEADS, tokens, WIDTH)).astype(np.float32)


def error(found: Array, expected: Array) -> float:
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


def test_keys_and_values_are_nearly_what_they_were() -> None:
    document = make_document(0, 40)
    encoded = run(ENCODER_INT8, document)
    keys = (encoded["cross_key_0"] * encoded["cross_key_0_scale"]).swapaxes(2, 3)
    values = encoded["cross_value_0"] * encoded["cross_value_0_scale"].swapaxes(2, 3)
    assert error(keys, document["given_key"]) < MOST_ERROR_OF_VALUES
    assert error(values, document["given_value"]) < MOST_ERROR_OF_VALUES


@pytest.mark.parametrize("scale", [None, 1.0])
def test_attention_over_bytes_is_near_that_over_floats(scale: float | None) -> None:
    lengths = [40, 25, 33]
    documents = [make_document(seed, length) for seed, length in enumerate(lengths)]
    queries = make_queries(3) * (1 if scale is None else WIDTH**-0.5)
    padded = batched(documents, 40)
    exact = {
        "query": queries,
        "source_lengths": np.array(lengths),
        **{name.replace("given", "cross") + "_0": array for name, array in padded.items()},
    }
    expected = run(make_decoder(scale=scale), exact)["mixed"]
    decoder = make_decoder(scale=scale)
    quantise_decoder_cross(decoder, GEOMETRY)
    found = attend(run(ENCODER_INT8, padded), queries, lengths, decoder)
    assert error(found, expected) < MOST_ERROR_OF_ATTENTION


@given(st.integers(1, 40), st.floats(1e-6, 1e6), st.integers(0, 1000))
def test_no_key_or_value_is_large_enough_to_overflow_without_vnni(
    tokens: int, size: float, seed: int
) -> None:
    encoded = run(ENCODER_INT8, make_document(seed, tokens, size))
    for name in ("cross_key_0", "cross_value_0"):
        largest = int(np.abs(encoded[name].astype(np.int32)).max())
        assert largest == LARGEST_SIGNED
        assert 2 * 255 * largest <= np.iinfo(np.int16).max


@given(st.integers(1, 80), st.integers(0, 80), st.integers(0, 1000))
def test_padding_and_company_change_no_bit_of_a_row(length: int, padding: int, seed: int) -> None:
    alone, capacity = make_document(seed, length), length + padding
    expected = attend(run(ENCODER_INT8, alone), make_queries(1), [length])
    company = [alone, make_document(1, 1, size=1000), make_document(2, capacity)]
    encoded = run(ENCODER_INT8, batched(company, capacity))
    queries = np.concatenate([make_queries(1), 1000 * make_queries(2)])
    found = attend(encoded, queries, [length, 1, capacity])
    np.testing.assert_array_equal(found[:1], expected)


def test_the_other_tokens_of_a_step_change_no_bit_of_one() -> None:
    encoded = run(ENCODER_INT8, make_document(0, 21))
    queries = make_queries(1, tokens=6)
    together = attend(encoded, queries, [21])
    for token in range(6):
        one = attend(encoded, queries[:, :, token : token + 1], [21])
        np.testing.assert_array_equal(together[:, :, token : token + 1], one)


def test_an_attention_that_is_not_multi_head_keeps_its_floats() -> None:
    decoder = make_decoder()
    node = helper.make_node("MatMul", ["query", "cross_key_0"], ["mixed"])
    del decoder.graph.node[:]
    decoder.graph.node.append(node)
    encoder = make_encoder()
    geometry = quantise({ENCODER: encoder, DECODER_STEP: decoder}, FLOATS, "rows")
    assert geometry == FLOATS
    assert {tensor.name for tensor in encoder.graph.output} == {*cross_names(FLOATS)}
    assert {"cross_key_0", "source_lengths"} <= {tensor.name for tensor in decoder.graph.input}


def test_an_attention_that_is_multi_head_has_bytes() -> None:
    encoder, decoder = make_encoder(), make_decoder()
    geometry = quantise({ENCODER: encoder, DECODER_STEP: decoder}, FLOATS, "rows")
    assert geometry == GEOMETRY
    kinds = {tensor.name: tensor.type.tensor_type.elem_type for tensor in encoder.graph.output}
    assert {*kinds} == {*cross_names(GEOMETRY)}
    assert kinds["cross_key_0"] == kinds["cross_value_0"] == TensorProto.INT8


def test_a_document_of_nothing_but_zeros_gives_zeros() -> None:
    nothing = make_document(0, 5, size=0.0)
    assert not attend(run(ENCODER_INT8, nothing), make_queries(1), [5]).any()
