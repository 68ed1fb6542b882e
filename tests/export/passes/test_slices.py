"""The encoder's slices, run one after the other, are the encoder."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.load import Bundle, load_bundle
from bundle.signature import ENCODER, encoder_slice_names, shared_between_slices
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.export.family_bundles import FamilyBundle
from tests.onnx_session import open_graph

# Rows of unlike lengths, among them one as long as the batch is wide.
LENGTHS = (30, 1, 17)
FAMILIES = {"bart": 1, "distilbart": 2, "t5": 2}


def run(bundle: Bundle, name: str, values: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    session = open_graph(bundle.graph_path(name))
    inputs = {tensor.name: values[tensor.name] for tensor in session.get_inputs()}
    names = [tensor.name for tensor in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def check_slices(bundle: Bundle) -> None:
    geometry = bundle.manifest.geometry
    draw = np.random.default_rng(0)
    batch = {
        "source_ids": draw.integers(8, geometry.vocab_size, (len(LENGTHS), max(LENGTHS))),
        "source_lengths": np.array(LENGTHS),
    }
    whole = run(bundle, ENCODER, batch)
    values = batch
    for name in encoder_slice_names(geometry):
        values = values | run(bundle, name, values)
    assert whole.keys() <= values.keys()
    for name, expected in whole.items():
        np.testing.assert_array_equal(values[name], expected, err_msg=name)


@pytest.mark.parametrize(("family", "layers"), FAMILIES.items())
def test_slices_give_what_the_whole_encoder_gives_bit_for_bit(
    family: str, layers: int, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    bundle = family_bundle(family).bundle
    assert len(encoder_slice_names(bundle.manifest.geometry)) == layers
    check_slices(bundle)


def test_relative_positions_are_worked_out_by_the_first_slice_for_all(
    family_bundle: Callable[[str], FamilyBundle],
) -> None:
    geometry = family_bundle("t5").bundle.manifest.geometry
    assert shared_between_slices(geometry) == ["encoder_bias"]


def test_slices_of_the_default_bundle_give_what_its_encoder_gives_bit_for_bit() -> None:
    check_slices(load_bundle(DEFAULT_BUNDLE))
