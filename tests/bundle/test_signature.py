"""The one place where export and runtime agree."""

from dataclasses import replace

import pytest

from bundle.manifest import Geometry, read_manifest
from bundle.signature import (
    DECODER_AHEAD,
    DECODER_STEP,
    DECODER_TOKENS,
    ENCODER,
    SLOT_POSITIONS,
    decoder_step_signature,
    differences,
    encoder_signature,
    encoder_slice_signatures,
    expected_graphs,
    source_tensors,
)
from tests.bundle.conftest import DEFAULT_BUNDLE

GEOMETRY = read_manifest(DEFAULT_BUNDLE).geometry


def test_equal_signatures_do_not_differ() -> None:
    graphs = expected_graphs(GEOMETRY)
    assert all(differences(graph, graph) == [] for graph in graphs.values())


def test_a_missing_an_unexpected_and_a_changed_tensor_are_all_named() -> None:
    expected = expected_graphs(GEOMETRY)[DECODER_STEP]
    first, second, *rest = expected.inputs
    found = replace(
        expected,
        inputs=(replace(first, dtype="int32"), replace(second, name="place"), *rest),
    )
    assert differences(expected, found) == [
        "input 'place' is not expected",
        "input 'position' is missing",
        "input 'token_ids' is int32['batch', '1'], expected int64['batch', '1']",
    ]


def test_without_a_copy_head_nothing_of_the_source_but_keys_and_values_is_asked_for() -> None:
    geometry = replace(GEOMETRY, copy_head=False, int8_cross=None)
    plain = decoder_step_signature(geometry, "d.onnx")
    names = {tensor.name for tensor in (*plain.inputs, *plain.outputs)}
    assert not names & {"source_ids", "source_bias", "encoder_states", "copy_gate"}
    assert "source_lengths" in names


def test_where_keys_and_values_are_in_int8_padding_is_told_by_a_bias_alone() -> None:
    names = {tensor.name for tensor in source_tensors(replace(GEOMETRY, copy_head=False))}
    assert names == {"source_bias"}


@pytest.mark.parametrize("layers", [1, 2, 6])
@pytest.mark.parametrize("relative_positions", [None, True])
def test_the_slices_of_the_encoder_pass_on_what_the_next_ones_read(
    layers: int, relative_positions: bool | None
) -> None:
    geometry = replace(GEOMETRY, encoder_layers=layers, relative_positions=relative_positions)
    whole = encoder_signature(geometry, "encoder.onnx")
    known = set(whole.inputs)
    slices = list(encoder_slice_signatures(geometry).values())
    assert len(slices) == layers
    for one in slices:
        assert known >= set(one.inputs)
        known |= set(one.outputs)
    assert slices[-1].outputs[: len(whole.outputs)] == whole.outputs


def test_only_relative_positions_ask_for_the_places_of_the_slots() -> None:
    def places(graph: str, geometry: Geometry) -> list[tuple[str, ...]]:
        inputs = expected_graphs(geometry)[graph].inputs
        return [tensor.shape for tensor in inputs if tensor.name == SLOT_POSITIONS]

    relative = replace(GEOMETRY, relative_positions=True)
    assert places(DECODER_STEP, GEOMETRY) == places(DECODER_TOKENS, GEOMETRY) == []
    assert places(DECODER_STEP, relative) == [("cache",)]
    assert places(DECODER_TOKENS, relative) == [("batch", "cache")]


def test_in_half_precision_tensors_are_half_and_what_is_told_of_tokens_is_not() -> None:
    geometry = replace(GEOMETRY, int8_cross=None, float_type="bfloat16", device_loop=True)
    graphs = expected_graphs(geometry)
    assert graphs.keys() == {ENCODER, DECODER_STEP, DECODER_TOKENS, DECODER_AHEAD}
    kinds = {
        tensor.name: tensor.dtype
        for graph in graphs.values()
        for tensor in (*graph.inputs, *graph.outputs)
    }
    full = {name for name, dtype in kinds.items() if dtype == "float32"}
    assert full == {"top_log_probs", "copy_gate", "probabilities"}
    assert kinds["encoder_states"] == kinds["source_bias"] == kinds["self_key_0"] == "bfloat16"


def test_a_decoder_that_goes_on_by_itself_takes_a_draft_only_with_a_copy_head() -> None:
    for copy_head, tokens in ((True, "tokens"), (False, "1")):
        geometry = replace(GEOMETRY, copy_head=copy_head, int8_cross=None, device_loop=True)
        graph = expected_graphs(geometry)[DECODER_AHEAD]
        shapes = {tensor.name: tensor.shape for tensor in (*graph.inputs, *graph.outputs)}
        assert shapes["token_ids"] == shapes["next_token_ids"] == ("batch", tokens)
        assert shapes["position"] == shapes["next_position"] == ("batch",)
