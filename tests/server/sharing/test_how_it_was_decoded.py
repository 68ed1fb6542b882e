"""The reply says how its summary was decoded, and why nothing was drafted where nothing was."""

from typing import Any

import pytest

from server.types import Decoding, Method
from tests.server.sharing.harness import Harness


async def decoding(harness: Harness, **options: Any) -> Decoding:
    caller = harness.call(**options)
    await harness.until_inside(1)
    harness.engine.finish()
    summary = await caller.summary()
    harness.service.close()
    return summary.decoding


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ({"num_beams": 2, "speculation": True}, Method.BEAM_SEARCH),
        ({"temperature": 0.5, "speculation": True}, Method.SAMPLING),
        ({"speculation": False}, Method.GREEDY),
    ],
)
async def test_speculation_that_cannot_be_is_off_with_a_reason(
    harness: Harness, options: dict[str, Any], method: Method
) -> None:
    told = await decoding(harness, **options)
    assert told.method is method
    assert told.speculation_off


async def test_a_server_that_has_speculation_off_says_so() -> None:
    assert (await decoding(Harness(speculation=False), speculation=True)).speculation_off


async def test_greedy_decoding_drafts_unless_told_otherwise(harness: Harness) -> None:
    assert (await decoding(harness)).speculation_off == ""
