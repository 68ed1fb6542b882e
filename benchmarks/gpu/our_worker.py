"""This engine on a device as a contender: `python -m benchmarks.gpu.our_worker BUNDLE`."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime

from benchmarks.gpu.our_device import MAX_ENCODE_TOKENS, open_device, open_runner, used_bytes
from benchmarks.gpu.protocol import Job, Ready, Start, Work, serve
from benchmarks.our_engine import finished
from benchmarks.peers.protocol import Tokens
from bundle.load import Bundle
from server.decoding.choose import make_strategy
from server.decoding.strategy import Outcome
from server.engine.engine import Engine
from server.engine.lanes import lanes_for
from server.engine.request import EngineRequest
from server.engine.runner import DecodeBatch
from server.engine.scheduler import EngineConfig
from server.types import DecodingOptions


def load(start: Start) -> Ready:
    """Continuous batching, as the server runs it, of as many rows as a job's batch has."""
    device = open_device(start.device)
    bundle, runner = open_runner(start.model, device, start.rows)
    clock = _DecodeClock(runner)

    def work(job: Job) -> Work:
        config = EngineConfig(
            lanes_for(bundle.manifest), job.batch, max_encode_tokens=MAX_ENCODE_TOKENS
        )
        engine = Engine(config, runner)
        for index, document in enumerate(job.documents):
            engine.submit(_request(bundle, index, document, job))
        summaries: Tokens = [[] for _ in job.documents]
        drafted = accepted = 0
        try:
            for event in finished(engine):
                summaries[event.request_id] = list(event.hypotheses[0].tokens)
                drafted += event.drafting.drafted
                accepted += event.drafting.accepted
        finally:
            # Those of a job that failed half-way; the next one finds the runner empty.
            for lane in list(engine.scheduler.busy_lanes()):
                runner.vacate(lane)
        details = {**clock.take(), "drafted": drafted, "accepted": accepted}
        return Work(summaries, {**details, "captured": runner.num_captured})

    facts = {
        "versions": {"onnxruntime": onnxruntime.__version__},
        "device": device.name,
        "provider": runner.actual_provider,
        "nodes_elsewhere": _nodes_elsewhere(runner),
        "rows": getattr(runner, "max_rows", start.rows),
    }
    return Ready(work, facts, lambda: used_bytes(device))


class _DecodeClock:
    """Listens to a runner's steps: how many there were, and how long it was at them."""

    def __init__(self, runner: Any) -> None:
        self._decode = runner.decode
        self._seconds, self._steps, self._looks = 0.0, 0, 0
        runner.decode = self._listened

    def take(self) -> dict[str, float]:
        """Figures since the last time that they were taken."""
        figures = {"steps": self._steps, "looks": self._looks, "decode_s": self._seconds}
        self._seconds, self._steps, self._looks = 0.0, 0, 0
        return figures

    def _listened(self, batch: DecodeBatch) -> Sequence[Outcome]:
        started_s = time.perf_counter()
        outcomes: Sequence[Outcome] = self._decode(batch)
        self._seconds += time.perf_counter() - started_s
        # As many as were taken, which may be fewer than there was leave for.
        self._steps += 1 + max((len(outcome.following) for outcome in outcomes), default=0)
        self._looks += 1
        return outcomes


def _request(bundle: Bundle, index: int, document: list[int], job: Job) -> EngineRequest:
    options = DecodingOptions(
        max_tokens=job.max_tokens,
        min_tokens=job.min_tokens,
        no_repeat_ngram_size=job.no_repeat_ngram_size,
        num_beams=job.beams,
        speculation=job.speculation,
    )
    manifest = bundle.manifest
    strategy = make_strategy(
        options,
        manifest.special_tokens,
        document,
        geometry=manifest.geometry,
        spelling=bundle.tokenizer.spelling,
        speculation=job.speculation,
    )
    return EngineRequest(id=index, source_ids=document, strategy=strategy)


def _nodes_elsewhere(runner: Any) -> list[str] | None:
    """Nodes that do not run on the device; None where the runner does not tell."""
    by_graph: Mapping[str, Sequence[str]] | None = getattr(runner, "nodes_elsewhere", None)
    if by_graph is None:
        return None
    return [f"{graph}: {node}" for graph, nodes in by_graph.items() for node in nodes]


if __name__ == "__main__":
    serve(load)
