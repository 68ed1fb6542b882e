"""Calls the Summarizer over gRPC: one answer, a stream, or a batch."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import grpc.aio

from loadtest.engine.caller import Answer, Ask, Caller
from loadtest.engine.channels import Channels
from loadtest.engine.clock import Clock
from loadtest.engine.summarizer_check import describe_target
from loadtest.engine.summarizer_requests import code_name, make_request
from loadtest.exits import Exit, LoadTestError
from loadtest.measure.call import OK
from loadtest.orders import Target
from loadtest.scenario import MixEntry
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc

NO_FINAL_MESSAGE = "NO_FINAL_MESSAGE"
"""Status of a stream or a batch that ended well without all that it owed."""

_PATIENCE_S = 10.0
_LATER = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


class SummarizerCaller(Caller):
    """Calls the three methods that summarise."""

    minds_deadlines = True  # gRPC's own core does

    def __init__(self, target: Target, clock: Clock) -> None:
        super().__init__(target, clock)
        self._channels = Channels(target)
        self._stubs: dict[int, Any] = {}
        self._metadata = grpc.aio.Metadata(*target.metadata)

    async def check(self, mix: tuple[MixEntry, ...]) -> Mapping[str, str]:
        """Asks for the model and holds the scenario's styles against it."""
        _, channel = self._channels.of_lane(0)
        facts = await describe_target(channel, self.target, mix)
        lanes = range(self.target.connections)  # each opened now, so that no call waits for it
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await asyncio.gather(*(self._channels.of_lane(n)[1].channel_ready() for n in lanes))
        except TimeoutError:
            raise LoadTestError(
                Exit.UNREACHABLE,
                f"{self.target.address} lets in fewer than {self.target.connections} connections"
                f" within {_PATIENCE_S:g} s; see --connections",
            ) from None
        return facts

    async def send(self, ask: Ask, timeout_s: float, deltas_s: list[float]) -> Answer:
        """Sends once."""
        stub = self._stub(ask.lane)
        try:
            if ask.entry.call == "Summarize":
                return await self._send_unary(stub, ask, timeout_s)
            if ask.entry.call == "SummarizeStream":
                return await self._send_stream(stub, ask, timeout_s, deltas_s)
            return await self._send_batch(stub, ask, timeout_s)
        except grpc.aio.AioRpcError as error:
            return _refusal(error)

    async def close(self) -> None:
        """Closes the connections."""
        await self._channels.close()

    async def _send_unary(self, stub: Any, ask: Ask, timeout_s: float) -> Answer:
        request = make_request(ask.entry, ask.documents[0])
        response = await stub.Summarize(request, timeout=timeout_s, metadata=self._metadata)
        if response is None:  # gRPC gives this for a call that ends well and brought no message
            return Answer(status=NO_FINAL_MESSAGE)
        return Answer(status=OK, summary_tokens=response.usage.summary_tokens)

    async def _send_stream(
        self, stub: Any, ask: Ask, timeout_s: float, deltas_s: list[float]
    ) -> Answer:
        request = make_request(ask.entry, ask.documents[0])
        final = None
        call = stub.SummarizeStream(request, timeout=timeout_s, metadata=self._metadata)
        async for event in call:
            if event.HasField("final"):
                final = event.final
            else:
                deltas_s.append(self.clock.now())
        if final is None:
            return Answer(status=NO_FINAL_MESSAGE)
        return Answer(status=OK, summary_tokens=final.usage.summary_tokens)

    async def _send_batch(self, stub: Any, ask: Ask, timeout_s: float) -> Answer:
        """Sends one batch; it goes as well as the worst of its items.

        Its items are no deltas: beside those of streams they would be told as one distribution.
        """
        waiting = {str(number) for number in range(len(ask.documents))}
        tokens = 0
        errors: list[pb.ItemError] = []
        call = stub.SummarizeBatch(_items(ask), timeout=timeout_s, metadata=self._metadata)
        async for item in call:
            waiting.discard(item.item_id)
            if item.HasField("error"):
                errors.append(item.error)
            else:
                tokens += item.response.usage.summary_tokens
        if errors:
            worst = min(errors, key=lambda error: error.HasField("retry_delay"))  # a failure first
            delay_s = worst.retry_delay.ToTimedelta().total_seconds()
            return Answer(
                status=code_name(worst.code),
                summary_tokens=tokens,
                retry_after_s=delay_s if worst.HasField("retry_delay") else None,
            )
        return Answer(status=NO_FINAL_MESSAGE if waiting else OK, summary_tokens=tokens)

    def _stub(self, lane: int) -> Any:
        number, channel = self._channels.of_lane(lane)
        if number not in self._stubs:
            self._stubs[number] = summarizer_pb2_grpc.SummarizerStub(channel)
        return self._stubs[number]


async def _items(ask: Ask) -> AsyncIterator[pb.SummarizeBatchRequest]:
    for number, document in enumerate(ask.documents):
        request = make_request(ask.entry, document)
        yield pb.SummarizeBatchRequest(item_id=str(number), request=request)


def _refusal(error: grpc.aio.AioRpcError) -> Answer:
    """Reads a refusal, and when to come again if it says so: below 0 is never."""
    said = dict(error.trailing_metadata() or ()).get("grpc-retry-pushback-ms")
    try:
        pushback_s = None if said is None else int(said) / 1000
    except ValueError:
        pushback_s = -1.0  # gRPC takes what is no number for a never
    never = pushback_s is not None and pushback_s < 0
    return Answer(
        status=error.code().name,
        may_retry=error.code() in _LATER and not never,
        retry_after_s=None if never else pushback_s,
    )
