"""What a decoder step costs by rows and by tokens a row: it decides formats and draft lengths."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cpu import cases
from benchmarks.cpu.environment import peers_python
from benchmarks.cpu.models import Models
from benchmarks.cpu.step_inputs import BoundStep, Shape
from benchmarks.recipe import recipe
from bundle.load import load_bundle
from bundle.signature import DECODER_STEP, DECODER_TOKENS
from model.progress import ProgressBar
from server.runtime.session import open_session
from server.runtime.threads import thread_budget

_WARM_UP = 3


@dataclass(frozen=True)
class StepSettings:
    """The sizes to measure, and how often."""

    rows: Sequence[int] = (1, 4, 8, 16, 32)
    tokens: Sequence[int] = tuple(range(1, 9))
    source: int = 400
    cache: int = 64
    rounds: int = 30
    threads: int = 0


def measure_steps(bundles: Sequence[Path], settings: StepSettings) -> dict[str, Any]:
    """Median milliseconds of the steps of every bundle, all in this process and taking turns."""
    graphs = {"/".join(path.parts[-2:]): _Graphs(path, settings) for path in bundles}
    measured = [
        {"rows": rows, **result}
        for rows in ProgressBar(settings.rows, unit="batch")
        for result in _take_turns(graphs, rows, settings)
    ]
    sizes = {"source": settings.source, "cache": settings.cache, "rounds": settings.rounds}
    threads = next(iter(graphs.values())).threads
    return {"recipe": recipe(**sizes, threads=threads), "steps": measured}


def steps_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table: milliseconds, and how many times the lean step's."""
    tokens = sorted({int(count) for step in report["steps"] for count in step["tokens_ms"]})
    lines = [
        f"| bundle | rows | lean step | {' | '.join(f'q={count}' for count in tokens)} |",
        f"| --- | --- | --- | {' | '.join('---' for _ in tokens)} |",
    ]
    for step in report["steps"]:
        lean = step["step_ms"]
        cells = [
            f"{step['tokens_ms'][count]:.2f} ({step['tokens_ms'][count] / lean:.2f}x)"
            for count in tokens
        ]
        lines.append(f"| {step['bundle']} | {step['rows']} | {lean:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bundles_to_compare(home: Path) -> list[Path]:
    """Both ways to write the decoder's matrices, for the default and for DistilBART."""
    models = Models(home, peers_python)
    return [
        models.path(geometry, form)
        for geometry in (cases.DEFAULT, cases.DISTILBART)
        for form in ("ours-int8-rows", "ours-int8-blocks")
    ]


class _Graphs:
    """The sessions of a bundle's decoders."""

    def __init__(self, directory: Path, settings: StepSettings) -> None:
        bundle = load_bundle(directory)
        budget = thread_budget(settings.threads)
        self.threads = budget.threads
        self._manifest = bundle.manifest
        self._settings = settings
        self._sessions = {
            name: open_session(bundle.graph_path(name), bundle.manifest.graphs[name], budget)
            for name in (DECODER_STEP, DECODER_TOKENS)
        }

    def bind(self, graph: str, rows: int, tokens: int) -> BoundStep:
        shape = Shape(
            rows=rows,
            tokens=tokens,
            source=self._settings.source,
            cache=self._settings.cache,
            vocabulary=self._manifest.geometry.vocab_size,
        )
        return BoundStep(self._sessions[graph], self._manifest.graphs[graph], shape)


def _take_turns(
    graphs: dict[str, _Graphs], rows: int, settings: StepSettings
) -> list[dict[str, Any]]:
    steps = {
        (bundle, tokens): of_bundle.bind(
            DECODER_TOKENS if tokens else DECODER_STEP, rows, tokens or 1
        )
        for bundle, of_bundle in graphs.items()
        for tokens in (0, *settings.tokens)
    }
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in steps}
    for turn in range(-_WARM_UP, settings.rounds):
        for key, step in steps.items():
            # The one before it left other weights in the cache of the CPU.
            step.run()
            started_s = time.perf_counter()
            step.run()
            if turn >= 0:
                seconds[key].append(time.perf_counter() - started_s)
    median_ms = {key: statistics.median(values) * 1e3 for key, values in seconds.items()}
    return [
        {
            "bundle": bundle,
            "step_ms": median_ms[bundle, 0],
            "tokens_ms": {tokens: median_ms[bundle, tokens] for tokens in settings.tokens},
        }
        for bundle in graphs
    ]
