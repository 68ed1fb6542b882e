"""The server's engine in this process, without a server: documents in, summaries out.

    from server.offline import OfflineEngine

    with OfflineEngine("models/default/bundle-cpu-int8") as engine:
        for summary in engine.summarise(documents, style="headline"):
            print(summary.text)

It is plain and synchronous, and a document gets the summary that the server would give it. Callers
that have token ids already take a TokenEngine. `python -m server.offline --help` is for a shell.
Names are imported when they are first used, so that --help needs no package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.offline.engine import OfflineEngine
    from server.offline.request import OfflineRequest, OfflineSummary
    from server.offline.tokens import TokenEngine
    from server.types import Delta

__all__ = ["Delta", "OfflineEngine", "OfflineRequest", "OfflineSummary", "TokenEngine"]

_HOMES = {
    "Delta": "server.types",
    "OfflineEngine": "server.offline.engine",
    "OfflineRequest": "server.offline.request",
    "OfflineSummary": "server.offline.request",
    "TokenEngine": "server.offline.tokens",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
