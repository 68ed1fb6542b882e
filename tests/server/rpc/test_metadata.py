"""What a call ends with beside its reply: whether it was cached, and why nothing was drafted."""

from typing import Any

import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.types import Decoding, Method, Origin
from tests.server.rpc.fakes import RunningServer, make_summary, serve_fake

METHODS = pytest.mark.parametrize("method", ["Summarize", "SummarizeStream"])


async def trailing(server: RunningServer, method: str, **scripted: Any) -> dict[str, str]:
    server.fake.script["Text."] = make_summary(**scripted)
    call = getattr(server.stub, method)(pb.SummarizeRequest(document="Text."))
    if method == "Summarize":
        await call
    else:
        _ = [message async for message in call]
    return dict(await call.trailing_metadata())


@METHODS
@pytest.mark.parametrize(
    ("origin", "word"),
    [(Origin.CACHED, "hit"), (Origin.SHARED, "joined"), (Origin.COMPUTED, "miss")],
)
async def test_a_server_with_a_cache_says_what_became_of_the_look_up(
    method: str, origin: Origin, word: str
) -> None:
    async with serve_fake(has_cache=True) as server:
        assert (await trailing(server, method, origin=origin))["x-precis-cache"] == word


async def test_a_server_without_a_cache_says_nothing_of_it(server: RunningServer) -> None:
    assert "x-precis-cache" not in await trailing(server, "Summarize", origin=Origin.SHARED)


@METHODS
async def test_why_nothing_was_drafted_is_told_in_the_reply_and_beside_it(
    server: RunningServer, method: str
) -> None:
    decoding = Decoding(
        method=Method.BEAM_SEARCH,
        steps=9,
        drafted_tokens=0,
        accepted_tokens=0,
        speculation_off="beam search \u2013 no drafts",
    )
    metadata = await trailing(server, method, decoding=decoding)

    assert metadata["x-precis-speculation"] == "off: beam search ? no drafts"


async def test_where_drafting_was_on_nothing_is_said(server: RunningServer) -> None:
    assert "x-precis-speculation" not in await trailing(server, "Summarize")
