"""The least that sends calls at a rate: gRPC's own client and a clock, nothing measured but time.

`python -m benchmarks.serving.bare_client PORT RATE SECONDS WARM_UP_S` prints Figures as JSON. What
the load generator costs more than this is its own; what this costs more than h2load is gRPC's.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict

import grpc

from benchmarks.serving.figures import figures_of
from loadtest.engine.clock import make_loop

_METHOD = "/summarizer.v1.Summarizer/Summarize"


async def offer(port: int, rate: float, seconds: float, warm_up_s: float) -> dict[str, object]:
    """Sends evenly and times each call from when it was due."""
    good_ms: list[float] = []
    calls: set[asyncio.Task[None]] = set()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary(_METHOD)
        await method(b"")
        start_s = time.perf_counter()

        async def call(due_s: float) -> None:
            await method(b"")
            if due_s >= start_s + warm_up_s:
                good_ms.append(1000 * (time.perf_counter() - due_s))

        for number in range(int(rate * (seconds + warm_up_s))):
            due_s = start_s + number / rate
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            task = asyncio.create_task(call(due_s))
            calls.add(task)
            task.add_done_callback(calls.discard)
        await asyncio.gather(*calls)
        span_s = time.perf_counter() - start_s - warm_up_s
    return asdict(figures_of(good_ms, failed=0, span_s=span_s))


if __name__ == "__main__":
    port, rate, seconds, warm_up_s = map(float, sys.argv[1:])
    with asyncio.Runner(loop_factory=make_loop) as runner:
        found = runner.run(offer(int(port), rate, seconds, warm_up_s))
    sys.stdout.write(json.dumps(found) + "\n")
