"""Who serves: our server in several ways, and CTranslate2 behind a plain gRPC server."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cpu import cases
from benchmarks.cpu.models import Models
from benchmarks.default_style import default_style
from benchmarks.serving.processes import running
from bundle.manifest import read_manifest

_SHIPPED = Path("models/default/bundle-cpu-int8")
_MAX_BATCH = 16  # rows of ours, and the most that the peer computes together


@dataclass(frozen=True)
class Contender:
    """One server with one model."""

    name: str
    model: str
    # Of our server beside what holds for all; None is CTranslate2.
    flags: Sequence[str] | None
    # CTranslate2's, which share the threads.
    engines: int = 1


CONTENDERS = (
    Contender("ours, continuous", cases.DEFAULT, ("--batching", "continuous")),
    Contender("ours, no drafts", cases.DEFAULT, ("--speculation", "off")),
    Contender("ours, dynamic", cases.DEFAULT, ("--batching", "dynamic")),
    Contender("ours, one at a time", cases.DEFAULT, ("--batching", "off")),
    Contender("ours, continuous", cases.HEADLESS, ("--batching", "continuous")),
    Contender("ours, dynamic", cases.HEADLESS, ("--batching", "dynamic")),
    Contender("ours, one at a time", cases.HEADLESS, ("--batching", "off")),
    Contender("CTranslate2, one engine", cases.HEADLESS, None),
    Contender("CTranslate2, two engines", cases.HEADLESS, None, engines=2),
)
QUICK = (CONTENDERS[0], CONTENDERS[4], CONTENDERS[7])


class Servers:
    """Starts contenders; models and the peers' environment are made when first needed."""

    def __init__(self, models: Models, peers_python: Callable[[], Path], threads: int) -> None:
        self._models = models
        self._peers_python = peers_python
        self._threads = threads

    def bundle(self, contender: Contender) -> Path:
        """Our bundle of its model: for the peer, what says how documents are read."""
        if contender.model == cases.DEFAULT:
            return _SHIPPED
        return self._models.path(contender.model, "ours-int8")

    def prepare(self, contender: Contender) -> None:
        """Makes what it needs, so that nothing is made while others are measured."""
        self.bundle(contender)
        if contender.flags is None:
            self._peer_model(contender)

    def start(self, contender: Contender) -> AbstractContextManager[int]:
        """Runs it, and gives its port."""
        environment = {"OMP_NUM_THREADS": str(self._threads // contender.engines or 1)}
        if contender.flags is None:
            environment["PYTHONPATH"] = f".:{Path('client')}"
            return running(lambda port: self._peer(contender, port), environment)
        return running(lambda port: self._ours(contender, port))

    def _ours(self, contender: Contender, port: int) -> Sequence[str]:
        return [
            sys.executable, "-m", "server", "--bundle", str(self.bundle(contender)),
            "--port", str(port), "--metrics", "off", "--log-level", "warning",
            "--threads", str(self._threads), "--max-rows", str(_MAX_BATCH),
            # The documents come again and again: none is to be answered with another's summary.
            "--single-flight", "off", *(contender.flags or ()),
        ]  # fmt: skip

    def _peer(self, contender: Contender, port: int) -> Sequence[str]:
        bundle = self.bundle(contender)
        return [
            str(self._peers_python()), "-m", "benchmarks.peers.ctranslate2_server",
            str(self._peer_model(contender)), "--tokenizer", str(bundle / "tokenizer.json"),
            "--reading", json.dumps(reading(bundle)), "--port", str(port),
            "--engines", str(contender.engines),
            "--threads", str(max(1, self._threads // contender.engines)),
            "--max-batch", str(_MAX_BATCH),
        ]  # fmt: skip

    def _peer_model(self, contender: Contender) -> Path:
        return self._models.path(contender.model, "ctranslate2-int8")


def reading(bundle: Path) -> dict[str, Any]:
    """What the peer must know of a model, out of our manifest: its default style."""
    manifest = read_manifest(bundle)
    style = default_style(manifest)
    # It knows no rule about words; for repetition, the nearest is one about as many tokens.
    repetition = style.defaults.no_repeat_ngram_size or style.defaults.no_repeat_word_ngram_size
    return {
        "name": manifest.name,
        "prefix_ids": style.prefix_ids,
        "suffix_ids": style.suffix_ids,
        "banned_ids": manifest.special_tokens.never_emitted_ids,
        "max_tokens": style.defaults.max_tokens,
        "no_repeat_ngram_size": repetition,
        "max_source_tokens": manifest.geometry.max_positions,
    }
