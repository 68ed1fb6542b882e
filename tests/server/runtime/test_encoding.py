"""Documents come out of the encoder the same whoever is encoded beside them, in slices or not."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.signature import ENCODER
from server.runtime.encoding import SlicedEncoding
from server.runtime.session import open_session
from server.runtime.threads import thread_budget
from tests.server.runtime.stepping import NARROW, Model, assert_alike, feed

Encoded = dict[str, NDArray[Any]]


def in_slices(model: Model, *sources: list[int]) -> Encoded:
    encoding = model.runner.begin_encoding(sources)
    while not encoding.advance():
        pass
    assert isinstance(encoding, SlicedEncoding)
    return encoding.encoded(names(model))


def names(model: Model) -> list[str]:
    return [tensor.name for tensor in model.bundle.manifest.graphs[ENCODER].outputs]


def as_a_whole(model: Model, *sources: list[int]) -> Encoded:
    manifest = model.bundle.manifest
    session = open_session(
        model.bundle.graph_path(ENCODER), manifest.graphs[ENCODER], thread_budget(1)
    )
    lengths = np.array([len(source) for source in sources])
    ids = np.full((len(sources), lengths.max()), manifest.special_tokens.pad_id)
    for row, source in enumerate(sources):
        ids[row, : len(source)] = source
    feeds = {"source_ids": ids, "source_lengths": lengths}
    return dict(zip(names(model), session.run(names(model), feeds), strict=True))


def test_the_slices_one_after_the_other_are_the_whole_encoder_bit_for_bit(model: Model) -> None:
    expected = as_a_whole(model, *model.sources[:3])
    found = in_slices(model, *model.sources[:3])
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_an_encoding_has_as_many_slices_as_the_encoder_has_layers(model: Model) -> None:
    encoding = model.runner.begin_encoding([model.sources[0]])
    layers = model.bundle.manifest.geometry.encoder_layers
    assert [encoding.advance() for _ in range(layers)] == [False] * (layers - 1) + [True]


def test_two_encodings_may_take_turns(model: Model) -> None:
    first, second = (model.runner.begin_encoding([source]) for source in model.sources[:2])
    is_over = False
    while not is_over:
        assert isinstance(first, SlicedEncoding)
        is_over = first.advance()
        assert second.advance() == is_over
    expected = in_slices(model, model.sources[0])
    for name, array in first.encoded(names(model)).items():
        np.testing.assert_array_equal(array, expected[name])


def test_a_document_in_company_is_encoded_as_if_it_were_alone(model: Model) -> None:
    together = in_slices(model, *model.sources)
    for row, source in enumerate(model.sources):
        alone = in_slices(model, source)
        for name, array in alone.items():
            found = _unpadded(together[name][row], array[0].shape)
            np.testing.assert_allclose(found, array[0], atol=1e-4, rtol=1e-4, err_msg=name)


def _unpadded(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The beginning of an array along each axis."""
    return array[tuple(slice(size) for size in shape)]


@pytest.mark.parametrize("row", [0, 2])
def test_only_what_was_chosen_is_admitted(model: Model, row: int) -> None:
    encoding = model.runner.begin_encoding(model.sources[:3])
    while not encoding.advance():
        pass
    model.runner.admit(encoding, [row], NARROW, 0)
    (found,) = model.step(feed([model.start_id], 0))
    assert_alike(found, 0, model.say_after(model.sources[row], [model.start_id]))
