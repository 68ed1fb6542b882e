"""This engine on a device as a contender: `python -m benchmarks.gpu.our_worker BUNDLE`."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime

from benchmarks.gpu.our_device import MAX_ENCODE_TOKENS, open_device, open_runner, used_bytes
from benchmarks.gpu.protocol import Job, Ready, Start, Work, serve
from server.decoding.strategy import Outcome
from server.engine.drive import finish, let_go
from server.engine.runner import DecodeBatch
from server.offline import TokenEngine
from server.types import DecodingOptions


def load(start: Start) -> Ready:
    """Continuous batching, as the server runs it, of as many rows as a job's batch has."""
    device = open_device(start.device)
    bundle, runner = open_runner(start.model, device, start.rows)
    clock = _DecodeClock(runner)
    ours = TokenEngine(bundle, runner, max_rows=start.rows, max_encode_tokens=MAX_ENCODE_TOKENS)

    def work(job: Job) -> Work:
        options = _options(job)
        requests = [ours.request(i, document, options) for i, document in enumerate(job.documents)]
        engine = ours.engine(job.batch)
        try:
            finished = finish(engine, requests)
        finally:
            # Of a job that failed half-way nothing is left for the next one.
            let_go(engine, range(len(requests)))
        details = {
            **clock.take(),
            "drafted": sum(each.drafting.drafted for each in finished),
            "accepted": sum(each.drafting.accepted for each in finished),
            "captured": runner.num_captured,
        }
        return Work([list(each.hypotheses[0].tokens) for each in finished], details)

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


def _options(job: Job) -> DecodingOptions:
    return DecodingOptions(
        max_tokens=job.max_tokens,
        min_tokens=job.min_tokens,
        no_repeat_ngram_size=job.no_repeat_ngram_size,
        num_beams=job.beams,
        speculation=job.speculation,
    )


def _nodes_elsewhere(runner: Any) -> list[str] | None:
    """Nodes that do not run on the device; None where the runner does not tell."""
    by_graph: Mapping[str, Sequence[str]] | None = getattr(runner, "nodes_elsewhere", None)
    if by_graph is None:
        return None
    return [f"{graph}: {node}" for graph, nodes in by_graph.items() for node in nodes]


if __name__ == "__main__":
    serve(load)
