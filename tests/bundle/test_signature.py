"""The one place where export and runtime agree."""

from dataclasses import replace

from bundle.manifest import Geometry, read_manifest
from bundle.signature import (
    DECODER_STEP,
    SLOT_POSITIONS,
    decoder_step_signature,
    differences,
    expected_graphs,
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
    plain = decoder_step_signature(replace(GEOMETRY, copy_head=False), "d.onnx")
    names = {tensor.name for tensor in (*plain.inputs, *plain.outputs)}
    assert not names & {"source_ids", "source_bias", "encoder_states", "copy_gate"}


def test_only_relative_positions_ask_for_the_places_of_the_slots() -> None:
    def places(geometry: Geometry) -> list[tuple[str, ...]]:
        inputs = decoder_step_signature(geometry, "d.onnx").inputs
        return [tensor.shape for tensor in inputs if tensor.name == SLOT_POSITIONS]

    assert places(GEOMETRY) == []
    assert places(replace(GEOMETRY, relative_positions=True)) == [("cache",)]
