"""The names, types and shapes of the graphs: the one place where export and runtime agree.

Axes: batch (rows), source (encoder tokens), cache (capacity of the self-attention cache), excluded
(ids that a row must not emit at this step, padded with -1). Sizes that the geometry fixes are
written as numbers.
docs/adr/0003-graph-signature.md says why it is so.
"""

from collections.abc import Sequence

from bundle.manifest import Geometry, GraphSpec, TensorSpec

ENCODER = "encoder"
DECODER_STEP = "decoder_step"

# source_bias: 0 for a token of the source, this for padding. Finite, so that an idle row still
# gives numbers; within float16 with room for a score on top; low enough that exp() of it is exactly
# zero in float16 and float32.
SOURCE_PADDING_BIAS = -1e4

# 0, 1, 2 and so on, as many as the cache has slots. Only a decoder with relative positions reads
# it: counting the slots in the graph would put a Shape node there.
SLOT_POSITIONS = "slot_positions"

# The greedy choice and its runner-up: the margin between them tells a near-tie from a difference.
TOP_K = 2

_DTYPES = {"tensor(int64)": "int64", "tensor(float)": "float32", "tensor(float16)": "float16"}


def cross_names(geometry: Geometry) -> list[str]:
    """Names of the cross-attention keys and values, layer by layer."""
    return _key_value_names("cross", geometry)


def cache_names(geometry: Geometry) -> list[str]:
    """Names of the self-attention caches, layer by layer."""
    return _key_value_names("self", geometry)


def updated_cache_names(geometry: Geometry) -> list[str]:
    """Names of the same caches as outputs; bound to the same memory, they are updated in place."""
    return [f"{name}_updated" for name in cache_names(geometry)]


def encoder_signature(geometry: Geometry, file: str) -> GraphSpec:
    """What encoder.onnx must look like."""
    head_shape = ("batch", str(geometry.heads), "source", str(geometry.head_dim))
    outputs = [_tensor(name, "float32", *head_shape) for name in cross_names(geometry)]
    if geometry.copy_head:
        outputs.append(_encoder_states(geometry))
    return GraphSpec(
        file=file,
        inputs=(
            _tensor("source_ids", "int64", "batch", "source"),
            _tensor("source_lengths", "int64", "batch"),
        ),
        outputs=tuple(outputs),
    )


def decoder_step_signature(geometry: Geometry, file: str) -> GraphSpec:
    """What decoder_step.onnx, one token for each row, must look like."""
    head = str(geometry.heads), str(geometry.head_dim)
    inputs = [
        _tensor("token_ids", "int64", "batch", "1"),
        _tensor("position", "int64", "batch"),
        _tensor("source_lengths", "int64", "batch"),
        _tensor("excluded_ids", "int64", "batch", "1", "excluded"),
    ]
    if geometry.relative_positions:
        inputs.append(_tensor(SLOT_POSITIONS, "int64", "cache"))
    if geometry.copy_head:
        inputs += [
            _tensor("source_ids", "int64", "batch", "source"),
            _tensor("source_bias", "float32", "batch", "source"),
            _encoder_states(geometry),
        ]
    inputs += [
        _tensor(name, "float32", "batch", head[0], "source", head[1])
        for name in cross_names(geometry)
    ]
    cache_shape = ("batch", head[0], "cache", head[1])
    inputs += [_tensor(name, "float32", *cache_shape) for name in cache_names(geometry)]

    outputs = [
        _tensor("top_log_probs", "float32", "batch", "1", str(TOP_K)),
        _tensor("top_ids", "int64", "batch", "1", str(TOP_K)),
    ]
    if geometry.copy_head:
        outputs += [
            _tensor("copy_gate", "float32", "batch", "1"),
            _tensor("copy_source_index", "int64", "batch", "1"),
        ]
    outputs += [_tensor(name, "float32", *cache_shape) for name in updated_cache_names(geometry)]
    return GraphSpec(file=file, inputs=tuple(inputs), outputs=tuple(outputs))


def expected_graphs(geometry: Geometry) -> dict[str, GraphSpec]:
    """Every graph of a bundle of this geometry."""
    return {
        ENCODER: encoder_signature(geometry, "encoder.onnx"),
        DECODER_STEP: decoder_step_signature(geometry, "decoder_step.onnx"),
    }


def tensor_as_read(name: str, onnx_type: str, shape: Sequence[object]) -> TensorSpec:
    """Puts a tensor as a runtime describes it, such as "tensor(float)", in a signature's words."""
    dtype = _DTYPES.get(onnx_type, onnx_type)
    return TensorSpec(name=name, dtype=dtype, shape=tuple(str(axis) for axis in shape))


def differences(expected: GraphSpec, found: GraphSpec) -> list[str]:
    """Says in words how two signatures differ; empty when they agree."""
    problems: list[str] = []
    for kind, wanted, given in (
        ("input", expected.inputs, found.inputs),
        ("output", expected.outputs, found.outputs),
    ):
        wanted_by_name = {tensor.name: tensor for tensor in wanted}
        given_by_name = {tensor.name: tensor for tensor in given}
        missing = wanted_by_name.keys() - given_by_name.keys()
        problems.extend(f"{kind} {name!r} is missing" for name in missing)
        unexpected = given_by_name.keys() - wanted_by_name.keys()
        problems.extend(f"{kind} {name!r} is not expected" for name in unexpected)
        for name in wanted_by_name.keys() & given_by_name.keys():
            a, b = wanted_by_name[name], given_by_name[name]
            if (a.dtype, a.shape) != (b.dtype, b.shape):
                problems.append(
                    f"{kind} {name!r} is {b.dtype}{list(b.shape)}, "
                    f"expected {a.dtype}{list(a.shape)}"
                )
    return sorted(problems)


def _encoder_states(geometry: Geometry) -> TensorSpec:
    """What the copy head looks at: made once by the encoder, read at every step."""
    return _tensor("encoder_states", "float32", "batch", "source", str(geometry.d_model))


def _key_value_names(kind: str, geometry: Geometry) -> list[str]:
    return [
        f"{kind}_{part}_{layer}"
        for layer in range(geometry.decoder_layers)
        for part in ("key", "value")
    ]


def _tensor(name: str, dtype: str, *shape: str) -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=shape)
