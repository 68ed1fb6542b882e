"""The names, types and shapes of the graphs: the one place where export and runtime agree.

Axes: batch (rows), source (encoder tokens), cache (capacity of the self-attention cache), tokens
(new ones of a row, in a graph that takes several), excluded (ids that must not follow a token,
padded with -1). Sizes that the geometry fixes are written as numbers.
docs/adr/0003-graph-signature.md says why it is so, docs/adr/0007-several-tokens-a-step.md why there
are two decoders.
"""

from collections.abc import Iterator, Sequence

from bundle.manifest import Geometry, GraphSpec, TensorSpec

ENCODER = "encoder"
DECODER_STEP = "decoder_step"
DECODER_TOKENS = "decoder_tokens"
DECODER_AHEAD = "decoder_ahead"

# source_bias: 0 for a token of the source, this for padding. Finite, so that an idle row still
# gives numbers; within float16 with room for a score on top; low enough that exp() of it is exactly
# zero in float16 and float32.
SOURCE_PADDING_BIAS = -1e4

# decoder_step: 0, 1, 2 and so on, as many as the cache has slots. decoder_tokens: how many tokens
# come before the one in each slot of each row. Only a decoder with relative positions reads it:
# counting the slots in the graph would put a Shape node there.
SLOT_POSITIONS = "slot_positions"

# The greedy choice and its runner-up: the margin between them tells a near-tie from a difference.
TOP_K = 2

# A search with k beams looks at the 2k best of each; 16 beams are the most that the API allows.
MOST_CANDIDATES = 32

_DTYPES = {
    "tensor(int64)": "int64",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(bfloat16)": "bfloat16",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}


def cross_tensors(geometry: Geometry) -> list[TensorSpec]:
    """The cross-attention's keys and values, layer by layer, as encoder and decoder share them.

    In int8, keys lie with the source as their last axis, which is how a product of matrices reads
    them, and each token has a scale of its own, so that padding and company change nothing.
    """
    return [
        tensor for layer in range(geometry.decoder_layers) for tensor in _cross(geometry, layer)
    ]


def cross_names(geometry: Geometry) -> list[str]:
    """Names of the cross-attention tensors, layer by layer."""
    return [tensor.name for tensor in cross_tensors(geometry)]


def cache_names(geometry: Geometry) -> list[str]:
    """Names of the self-attention caches, layer by layer."""
    return [
        f"self_{part}_{layer}"
        for layer in range(geometry.decoder_layers)
        for part in ("key", "value")
    ]


def updated_cache_names(geometry: Geometry) -> list[str]:
    """Names of the same caches as outputs; bound to the same memory, they are updated in place."""
    return [f"{name}_updated" for name in cache_names(geometry)]


def num_candidates(geometry: Geometry) -> int:
    """How many of the likeliest tokens decoder_tokens gives for each query."""
    return min(MOST_CANDIDATES, geometry.vocab_size)


def vocabulary_output(geometry: Geometry) -> str:
    """The output of decoder_tokens that tells of every word."""
    return "probabilities" if geometry.copy_head else "logits"


def source_tensors(geometry: Geometry) -> list[TensorSpec]:
    """What a decoder reads of each document beside its keys and values."""
    bias = _tensor("source_bias", float_type(geometry), "batch", "source")
    lengths = _tensor("source_lengths", "int64", "batch")
    tensors = [] if geometry.int8_cross else [lengths]
    if geometry.copy_head:
        source_ids = _tensor("source_ids", "int64", "batch", "source")
        return [*tensors, source_ids, bias, _encoder_states(geometry)]
    return [bias] if geometry.int8_cross else tensors


def encoder_signature(geometry: Geometry, file: str) -> GraphSpec:
    """What encoder.onnx must look like."""
    outputs = cross_tensors(geometry)
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


def cut_names(geometry: Geometry) -> list[str]:
    """What passes from one slice of the encoder to the next, in order."""
    return [f"encoder_hidden_{index}" for index in range(1, geometry.encoder_layers)]


def shared_between_slices(geometry: Geometry) -> list[str]:
    """What the first slice of the encoder works out for all others too."""
    return ["encoder_bias"] if geometry.relative_positions and geometry.encoder_layers > 1 else []


def encoder_slice_names(geometry: Geometry) -> list[str]:
    """The slices of the encoder, a layer each: run one after the other, they are the encoder."""
    return [f"{ENCODER}_slice_{index}" for index in range(geometry.encoder_layers)]


def encoder_slice_signatures(geometry: Geometry) -> dict[str, GraphSpec]:
    """What the slices must look like: a server decodes between two of them."""
    whole = encoder_signature(geometry, "")
    source_ids, lengths = whole.inputs
    hidden = [
        _tensor(name, float_type(geometry), "batch", "source", str(geometry.d_model))
        for name in cut_names(geometry)
    ]
    shared = [
        _tensor(name, float_type(geometry), "1", str(geometry.heads), "source", "source")
        for name in shared_between_slices(geometry)
    ]
    names = encoder_slice_names(geometry)
    signatures = {}
    for index, name in enumerate(names):
        is_first, is_last = index == 0, index == len(names) - 1
        signatures[name] = GraphSpec(
            file=f"{name}.onnx",
            inputs=(source_ids if is_first else hidden[index - 1], lengths)
            + (() if is_first else tuple(shared)),
            outputs=(whole.outputs if is_last else (hidden[index],))
            + (tuple(shared) if is_first else ()),
        )
    return signatures


def decoder_step_signature(geometry: Geometry, file: str) -> GraphSpec:
    """What decoder_step.onnx, one token for each row, must look like."""
    inputs = [
        _tensor("token_ids", "int64", "batch", "1"),
        _tensor("position", "int64", "batch"),
        _tensor("excluded_ids", "int64", "batch", "1", "excluded"),
    ]
    if geometry.relative_positions:
        inputs.append(_tensor(SLOT_POSITIONS, "int64", "cache"))
    return _decoder(geometry, file, inputs, tokens="1", candidates=TOP_K)


def decoder_tokens_signature(geometry: Geometry, file: str) -> GraphSpec:
    """What decoder_tokens.onnx must look like: several tokens a row, each seeing what it is told.

    position is the slot of a row's first token; places say how many tokens come before each in its
    summary; visible says which slots each sees. What only some strategies read, all words are told
    of by `logits` or, with a copy head, by `probabilities`: see `vocabulary_output`.
    """
    inputs = [
        _tensor("token_ids", "int64", "batch", "tokens"),
        _tensor("position", "int64", "batch"),
        _tensor("excluded_ids", "int64", "batch", "tokens", "excluded"),
        _tensor("places", "int64", "batch", "tokens"),
        _tensor("visible", "bool", "batch", "tokens", "cache"),
    ]
    if geometry.relative_positions:
        inputs.append(_tensor(SLOT_POSITIONS, "int64", "batch", "cache"))
    candidates = num_candidates(geometry)
    words = _tensor(
        vocabulary_output(geometry), "float32", "batch", "tokens", str(geometry.vocab_size)
    )
    return _decoder(
        geometry, file, inputs, tokens="tokens", candidates=candidates, more_outputs=[words]
    )


def decoder_ahead_signature(geometry: Geometry, file: str) -> GraphSpec:
    """What decoder_ahead.onnx, whose choices can be fed back to it, must look like.

    It is decoder_step over one token or, with a copy head, over one that is certain and a draft.
    next_token_ids and next_position are what the next step of each row would be fed: the likeliest
    token after the last drafted one that the model agrees with, a draft that goes on in the source
    where the copy head looked, and the slot after all that is certain. Bound to the memory of
    token_ids and position, they let a device take one step after the other by itself.
    """
    tokens = "tokens" if geometry.copy_head else "1"
    inputs = [
        _tensor("token_ids", "int64", "batch", tokens),
        _tensor("position", "int64", "batch"),
        _tensor("excluded_ids", "int64", "batch", tokens, "excluded"),
    ]
    if geometry.relative_positions:
        inputs.append(_tensor(SLOT_POSITIONS, "int64", "cache"))
    following = [
        _tensor("next_token_ids", "int64", "batch", tokens),
        _tensor("next_position", "int64", "batch"),
    ]
    return _decoder(geometry, file, inputs, tokens=tokens, candidates=TOP_K, more_outputs=following)


def expected_graphs(geometry: Geometry) -> dict[str, GraphSpec]:
    """Every graph of a bundle of this geometry."""
    graphs = {
        ENCODER: encoder_signature(geometry, "encoder.onnx"),
        DECODER_STEP: decoder_step_signature(geometry, "decoder_step.onnx"),
        DECODER_TOKENS: decoder_tokens_signature(geometry, "decoder_tokens.onnx"),
    }
    if geometry.device_loop:
        graphs[DECODER_AHEAD] = decoder_ahead_signature(geometry, "decoder_ahead.onnx")
    if geometry.float_type is None:
        graphs |= encoder_slice_signatures(geometry)
    return graphs


def float_type(geometry: Geometry) -> str:
    """The type of keys, values and states."""
    return geometry.float_type or "float32"


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


def _decoder(
    geometry: Geometry,
    file: str,
    inputs: Sequence[TensorSpec],
    *,
    tokens: str,
    candidates: int,
    more_outputs: Sequence[TensorSpec] = (),
) -> GraphSpec:
    cache_shape = ("batch", str(geometry.heads), "cache", str(geometry.head_dim))
    outputs = [
        _tensor("top_log_probs", "float32", "batch", tokens, str(candidates)),
        _tensor("top_ids", "int64", "batch", tokens, str(candidates)),
    ]
    if geometry.copy_head:
        outputs += [
            _tensor("copy_gate", "float32", "batch", tokens),
            _tensor("copy_source_index", "int64", "batch", tokens),
        ]
    outputs += more_outputs
    kind = float_type(geometry)
    outputs += [_tensor(name, kind, *cache_shape) for name in updated_cache_names(geometry)]
    caches = [_tensor(name, kind, *cache_shape) for name in cache_names(geometry)]
    return GraphSpec(
        file=file,
        inputs=(*inputs, *source_tensors(geometry), *cross_tensors(geometry), *caches),
        outputs=tuple(outputs),
    )


def _cross(geometry: Geometry, layer: int) -> Iterator[TensorSpec]:
    heads, head_dim = str(geometry.heads), str(geometry.head_dim)
    key, value = f"cross_key_{layer}", f"cross_value_{layer}"
    if not geometry.int8_cross:
        yield _tensor(key, float_type(geometry), "batch", heads, "source", head_dim)
        yield _tensor(value, float_type(geometry), "batch", heads, "source", head_dim)
        return
    yield _tensor(key, "int8", "batch", heads, head_dim, "source")
    yield _tensor(f"{key}_scale", "float32", "batch", heads, "1", "source")
    yield _tensor(value, "int8", "batch", heads, "source", head_dim)
    yield _tensor(f"{value}_scale", "float32", "batch", heads, "1", "source")


def _encoder_states(geometry: Geometry) -> TensorSpec:
    """What the copy head looks at: made once by the encoder, read at every step."""
    states = float_type(geometry)
    return _tensor("encoder_states", states, "batch", "source", str(geometry.d_model))


def _tensor(name: str, dtype: str, *shape: str) -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=shape)
