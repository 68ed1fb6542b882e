"""A Summarizer that answers at once: what is measured of it is the load generator's own cost."""

import asyncio
from typing import Any

import grpc.aio

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc


def serve(address: str) -> None:
    """Serves until interrupted; OSError if the address cannot be had."""
    asyncio.run(_serve(address))


async def _serve(address: str) -> None:
    # Two on one port would be shared between, and neither told.
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    summarizer_pb2_grpc.add_SummarizerServicer_to_server(_Echo(), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"{address} cannot be listened on") from error
    await server.start()
    print(f"answers at once: --target {address.rpartition(':')[0]}:{port}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop(grace=None)


class _Echo(summarizer_pb2_grpc.SummarizerServicer):
    async def Summarize(self, request: pb.SummarizeRequest, context: Any) -> Any:
        return pb.SummarizeResponse(summary="Said.", usage=pb.Usage(summary_tokens=1))

    async def SummarizeStream(self, request: pb.SummarizeRequest, context: Any) -> Any:
        yield pb.SummarizeStreamResponse(delta=pb.Delta(text="Said.", summary_tokens=1))
        yield pb.SummarizeStreamResponse(final=await self.Summarize(request, context))

    async def SummarizeBatch(self, request_iterator: Any, context: Any) -> Any:
        async for item in request_iterator:
            answer = await self.Summarize(item.request, context)
            yield pb.SummarizeBatchResponse(item_id=item.item_id, response=answer)

    async def ListModels(self, request: pb.ListModelsRequest, context: Any) -> Any:
        return pb.ListModelsResponse(models=[pb.Model(name="echo", version="1")])

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> Any:
        return pb.Model(name="echo", version="1")
