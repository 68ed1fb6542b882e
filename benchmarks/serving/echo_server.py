"""A server that answers at once: what is left of a latency is the network's and the generator's.

`python -m benchmarks.serving.echo_server PORT`. Requests are not even parsed.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb

_GRACE_S = 1.0
_SUMMARY = pb.SummarizeResponse(
    summary="About a hundred characters, which is what the default model writes for an abstract.",
    finish_reason=pb.FINISH_REASON_STOP,
    usage=pb.Usage(source_tokens=200, summary_tokens=24, chunks=1),
    model="echo",
).SerializeToString()
_MODEL = pb.Model(
    name="echo",
    description="Answers at once, and always the same.",
    default_style="brief",
    styles=[pb.Style(name="brief", description="Always the same.")],
    languages=["en", "zh"],
).SerializeToString()
_SERVING = health_pb2.HealthCheckResponse(
    status=health_pb2.HealthCheckResponse.SERVING
).SerializeToString()


async def serve(port: int) -> None:
    """Serves until it is told to end."""
    server = grpc.aio.server()
    summarizer = {"Summarize": _always(_SUMMARY), "GetModel": _always(_MODEL)}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("summarizer.v1.Summarizer", summarizer),
            grpc.method_handlers_generic_handler(
                "grpc.health.v1.Health", {"Check": _always(_SERVING)}
            ),
        )
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()
    await server.stop(_GRACE_S)


def _always(answer: bytes) -> Any:
    async def method(request: bytes, context: Any) -> bytes:
        return answer

    handler: Callable[[bytes, Any], Awaitable[bytes]] = method
    return grpc.unary_unary_rpc_method_handler(handler)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
