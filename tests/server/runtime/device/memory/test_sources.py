"""What a decoder is told of each document, also of those that are gone."""

from collections.abc import Sequence

import numpy as np
import pytest

from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.memory.sources import SourceArrays
from tests.server.runtime.device.conftest import Pair
from tests.server.runtime.stepping import ROUNDING, feed, kept

ROWS, LONGEST = 4, 256
LONG, SHORT = [9] * 200, [7] * 30


@pytest.fixture
def device() -> HostDevice:
    return HostDevice(1 << 20)


def told(device: HostDevice, arrays: SourceArrays) -> Sequence[int]:
    """The lengths as the device has them."""
    read = device.stage(8 * ROWS)
    device.queue().download(read, arrays.tensors(ROWS, LONGEST)["source_lengths"].address)
    return [int(length) for length in read.view(np.int64)]


def made(device: HostDevice) -> SourceArrays:
    return SourceArrays(
        device, device.queue(), rows=ROWS, longest=LONGEST, bias_type="float16", has_ids=True
    )


def test_a_slot_that_nobody_was_in_yet_has_a_document_of_one_token(device: HostDevice) -> None:
    assert told(device, made(device)) == [1] * ROWS


def test_no_slot_is_said_to_hold_more_than_it_has_room_for(device: HostDevice) -> None:
    arrays = made(device)
    arrays.put(device.queue(), 256, range(ROWS), [LONG] * ROWS)
    arrays.put(device.queue(), 64, [0, 1], [SHORT, SHORT])
    assert told(device, arrays) == [30, 30, 64, 64]


def test_no_slot_is_said_to_hold_more_than_is_left_of_it(device: HostDevice) -> None:
    arrays = made(device)
    arrays.put(device.queue(), 256, range(ROWS), [SHORT, SHORT, LONG, LONG])
    arrays.spread(device.queue(), 2, 256, 64)
    assert told(device, arrays) == [30, 30, 64, 64]


def test_short_documents_follow_long_ones_that_are_gone(relative: Pair) -> None:
    model, long = relative.on_device, [*relative.sources[0]] * 9
    start, (one, two, three) = feed([model.start_id], 0), relative.sources[1:4]
    model.admit(long, long, long, long)
    model.step(start, start, start, start)
    # Three rows are run as four, and the fourth slot is one that a long document was in.
    model.admit(one, two, three)
    found = model.step(start, start, start)
    for source, outcome in zip((one, two, three), found, strict=True):
        relative.plain.admit(source)
        (alone,) = [kept(each) for each in relative.plain.step(start)]
        np.testing.assert_allclose(outcome.log_probs[0], alone.log_probs[0], atol=ROUNDING)
