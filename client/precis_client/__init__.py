"""Client of Précis, a summarisation server that speaks gRPC.

    from precis_client import Client

    with Client("localhost:50051") as client:
        print(client.summarize(document).summary)

`Client` is for threads, `AsyncClient` for asyncio; both raise the errors drawn in
precis_client.errors. Names are imported when they are first used: the server takes only the stubs
of this package, and `precis --help` needs no gRPC.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from precis_client._version import __version__ as __version__

if TYPE_CHECKING:
    from precis_client._convert import RequestFields
    from precis_client._pipeline import SummarizationPipeline, pipeline
    from precis_client._warnings import ServerWarning
    from precis_client.aio import AsyncClient, AsyncSummaryStream
    from precis_client.channel import Connection
    from precis_client.errors import (
        AccessDenied,
        Cancelled,
        DeadlineExceeded,
        FieldViolation,
        InternalError,
        InvalidRequest,
        MessageTooLarge,
        NotFound,
        NotSupported,
        Overloaded,
        PrecisError,
        Unavailable,
    )
    from precis_client.options import DecodingOptions
    from precis_client.sync import Client, SummaryStream
    from precis_client.types import (
        Alternative,
        Attribution,
        AttributionKind,
        AttributionLevel,
        BatchResult,
        Decoding,
        DecodingMethod,
        Delta,
        FinishReason,
        Limits,
        LongDocumentPolicy,
        Model,
        OffsetUnit,
        ServingStatus,
        SourceSpan,
        Style,
        Summary,
        SummaryWarning,
        TextSpan,
        Timings,
        Usage,
        WarningCode,
    )

__all__ = [
    "AccessDenied",
    "Alternative",
    "AsyncClient",
    "AsyncSummaryStream",
    "Attribution",
    "AttributionKind",
    "AttributionLevel",
    "BatchResult",
    "Cancelled",
    "Client",
    "Connection",
    "DeadlineExceeded",
    "Decoding",
    "DecodingMethod",
    "DecodingOptions",
    "Delta",
    "FieldViolation",
    "FinishReason",
    "InternalError",
    "InvalidRequest",
    "Limits",
    "LongDocumentPolicy",
    "MessageTooLarge",
    "Model",
    "NotFound",
    "NotSupported",
    "OffsetUnit",
    "Overloaded",
    "PrecisError",
    "RequestFields",
    "ServerWarning",
    "ServingStatus",
    "SourceSpan",
    "Style",
    "SummarizationPipeline",
    "Summary",
    "SummaryStream",
    "SummaryWarning",
    "TextSpan",
    "Timings",
    "Unavailable",
    "Usage",
    "WarningCode",
    "pipeline",
]

_HOMES = (
    "errors",
    "options",
    "types",
    "channel",
    "_convert",
    "_warnings",
    "sync",
    "aio",
    "_pipeline",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if name in vars(module):
                globals()[name] = vars(module)[name]
                return vars(module)[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
