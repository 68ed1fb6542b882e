"""In eight bits, what a step says of a token does not depend on how many tokens it carries."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from bundle.load import Bundle, load_bundle
from bundle.manifest import Geometry
from bundle.signature import (
    DECODER_STEP,
    DECODER_TOKENS,
    cache_names,
    cross_tensors,
    source_tensors,
    updated_cache_names,
)
from export.passes.quantise.even_rounding import round_evenly
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.onnx_session import open_graph

ROWS, SOURCE, CAPACITY, POSITIONS = 2, 30, 32, (9, 17)
FREE_AXES = {"batch": ROWS, "source": SOURCE, "cache": CAPACITY}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(DEFAULT_BUNDLE)


@pytest.fixture(scope="module")
def state(bundle: Bundle) -> dict[str, NDArray[Any]]:
    """Documents and caches, made up."""
    geometry = bundle.manifest.geometry
    draw = np.random.default_rng(0)
    made: dict[str, NDArray[Any]] = {}
    for tensor in (*cross_tensors(geometry), *source_tensors(geometry)):
        shape = [FREE_AXES.get(axis) or int(axis) for axis in tensor.shape]
        if tensor.dtype == "float32":
            made[tensor.name] = draw.standard_normal(shape).astype(np.float32)
        else:
            least = -120 if tensor.dtype == "int8" else 8
            made[tensor.name] = draw.integers(least, 120, shape).astype(tensor.dtype)
        if tensor.name.endswith("_scale"):
            made[tensor.name] = np.abs(made[tensor.name]) / 100
    made["source_bias"][:] = 0
    shape = [ROWS, geometry.heads, CAPACITY, geometry.head_dim]
    for name in cache_names(geometry):
        made[name] = draw.standard_normal(shape).astype(np.float32)
    return made


def run(
    bundle: Bundle, graph: str, state: dict[str, NDArray[Any]], tokens: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """What is told of the first token, and what the caches keep of it."""
    session = open_graph(bundle.graph_path(graph))
    position = np.array(POSITIONS)
    places = position[:, None] + np.arange(tokens.shape[1])
    step = {
        "token_ids": tokens,
        "position": position,
        "excluded_ids": np.full((*tokens.shape, 1), -1),
        "places": places,
        "visible": np.arange(CAPACITY) <= places[:, :, None],
    }
    given = {each.name: (state | step)[each.name] for each in session.get_inputs()}
    caches = updated_cache_names(bundle.manifest.geometry)
    log_probs, *updated = session.run(["top_log_probs", *caches], given)
    kept = {
        name: cache[range(ROWS), :, POSITIONS] for name, cache in zip(caches, updated, strict=True)
    }
    return {"log_probs": log_probs[:, 0, :2], **kept}


@pytest.mark.parametrize("count", [2, 3, 8])
def test_one_token_alone_and_as_the_first_of_several_leave_the_same_bits_in_the_caches(
    count: int, bundle: Bundle, state: dict[str, NDArray[Any]]
) -> None:
    tokens = np.random.default_rng(count).integers(8, 5000, (ROWS, count))
    alone = run(bundle, DECODER_STEP, state, tokens[:, :1])
    first = run(bundle, DECODER_TOKENS, state, tokens)
    # After the last product in eight bits, nothing enlarges a last bit any more.
    np.testing.assert_allclose(first.pop("log_probs"), alone.pop("log_probs"), atol=1e-6, rtol=0)
    for name, expected in alone.items():
        np.testing.assert_array_equal(first[name], expected, err_msg=name)


@pytest.mark.parametrize("has_bias", [False, True])
def test_a_query_beside_itself_gets_what_it_gets_alone(has_bias: bool) -> None:
    shapes: dict[str, list[int | str]] = {
        "query": [2, 3, 1, 4],
        "self_key_0_updated": [2, 3, 8, 4],
        "self_value_0_updated": [2, 3, 8, 4],
        "bias": [1, 3, 1, 8],
    }
    draw = np.random.default_rng(0)
    values: dict[str, NDArray[Any]] = {
        name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()
    }
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    lengths = helper.make_tensor_value_info("lengths", TensorProto.INT64, [2])
    query, key, value, bias = shapes
    names = [query, key, value, bias if has_bias else "", "", "", "lengths"]
    graph = helper.make_graph(
        [helper.make_node("Attention", names, ["mixed"], is_causal=1)],
        "decoder",
        [*inputs, lengths],
        [helper.make_tensor_value_info("mixed", TensorProto.FLOAT, shapes["query"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)
    geometry = Geometry(
        vocab_size=9, d_model=12, encoder_layers=1, decoder_layers=1, heads=3, head_dim=4,
        max_positions=8, copy_head=False,
    )  # fmt: skip

    def mixed() -> NDArray[Any]:
        session = open_graph(model)
        found: NDArray[Any] = session.run(None, values | {"lengths": np.array([3, 8])})[0]
        return found

    expected = mixed()
    round_evenly(model, geometry)
    assert len(model.graph.node) == 3 + has_bias
    np.testing.assert_allclose(mixed(), expected, atol=1e-6)
