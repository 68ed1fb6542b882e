"""Looks at the target before any load: does it answer, and does it have what is asked for?"""

from collections.abc import Mapping

import grpc
import grpc.aio

from loadtest.engine.connection_probe import explain_silence
from loadtest.engine.summarizer_requests import make_options
from loadtest.exits import Exit, LoadTestError
from loadtest.orders import Target
from loadtest.scenario import MixEntry
from loadtest.scenario_files import suggest
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc

_PATIENCE_S = 5.0
_SILENCE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


async def describe_target(
    channel: grpc.aio.Channel, target: Target, mix: tuple[MixEntry, ...]
) -> Mapping[str, str]:
    """Asks for the model and says what a reader of the report must know of it."""
    for entry in mix:
        make_options(entry)
    model = await _ask_for_model(channel, target)
    styles = [style.name for style in model.styles]
    for entry in mix:
        if entry.style and entry.style not in styles:
            raise LoadTestError(
                Exit.USAGE,
                f"{target.address} has no style {entry.style!r}: {suggest(entry.style, styles)}",
            )
    return {
        "model": f"{model.name} {model.version}",
        "precision": model.precision,
        "provider": model.actual_provider,
        "bundle": model.bundle_sha256,
        "capabilities": ", ".join(model.capabilities),
    }


async def _ask_for_model(channel: grpc.aio.Channel, target: Target) -> pb.Model:
    stub = summarizer_pb2_grpc.SummarizerStub(channel)
    metadata = grpc.aio.Metadata(*target.metadata)
    try:
        return await stub.GetModel(pb.GetModelRequest(), timeout=_PATIENCE_S, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        told = f"{error.code().name}: {error.details()}"
        if error.code() in _SILENCE:
            raise await explain_silence(target, told) from None
        if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            raise LoadTestError(
                Exit.USAGE, f"{target.address} refuses this caller ({told}); see --metadata"
            ) from None
        raise LoadTestError(
            Exit.UNREACHABLE, f"{target.address} is no Summarizer ({told})"
        ) from None
