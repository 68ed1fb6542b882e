"""Callers of a server in a process of their own: `python -m benchmarks.gpu.callers ADDRESS`.

Orders come as JSON lines, each a number of texts and how many calls may be under way.
"""

import asyncio
import json
import sys
import time
from typing import Any

import grpc.aio

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1.summarizer_pb2_grpc import SummarizerStub

_TIMEOUT_S = 120.0


async def main() -> None:
    """Answers orders until there are no more."""
    async with grpc.aio.insecure_channel(sys.argv[1]) as channel:
        stub: Any = SummarizerStub(channel)
        await channel.channel_ready()
        _say({"ready": True})
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                _say(await _obey(stub, json.loads(line)))
            except grpc.RpcError as error:
                _say({"error": str(error.details() if hasattr(error, "details") else error)})


async def _obey(stub: Any, order: dict[str, Any]) -> dict[str, float]:
    options = pb.DecodingOptions(**order["options"])
    requests = iter([pb.SummarizeRequest(document=t, options=options) for t in order["texts"]])
    tokens = 0

    async def call() -> None:
        nonlocal tokens
        for request in requests:
            answer = await stub.Summarize(request, timeout=_TIMEOUT_S)
            tokens += answer.usage.summary_tokens

    began_s = time.monotonic()
    await asyncio.gather(*(call() for _ in range(order["concurrency"])))
    return {"began_s": began_s, "ended_s": time.monotonic(), "tokens": tokens}


def _say(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
