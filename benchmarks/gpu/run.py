"""A whole tour within its time: stage after stage, every figure written down at once."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.gpu import cases
from benchmarks.gpu.case import Case, Stage
from benchmarks.gpu.contender import ContenderError
from benchmarks.gpu.deadline import Deadline
from benchmarks.gpu.documents import Documents, make_documents
from benchmarks.gpu.entries import ENTRIES
from benchmarks.gpu.graphics_card import describe_card
from benchmarks.gpu.journal import Journal
from benchmarks.gpu.libraries import library_environment
from benchmarks.gpu.materials import Materials
from benchmarks.gpu.protocol import Job
from benchmarks.gpu.turns import started, starter, take_turns
from benchmarks.recipe import recipe

# Less than this is not worth starting processes for.
_LEAST_S = 15.0


@dataclass(frozen=True)
class Settings:
    """How a tour is run."""

    device: str
    precision: str
    home: Path


def choose(stages: Sequence[Stage], only: Sequence[str], contenders: Sequence[str]) -> list[Stage]:
    """The stages with the cases and the contenders that are asked for."""
    chosen = []
    for stage in stages:
        found = tuple(c for c in stage.cases if not only or any(words in c.name for words in only))
        names = tuple(n for n in stage.contenders if not contenders or n in contenders)
        if found and names:
            chosen.append(replace(stage, cases=found, contenders=names))
    return chosen


def run_tour(
    stages: Sequence[Stage], settings: Settings, journal: Journal, within: Deadline
) -> None:
    """Runs as many of the stages as there is time for; the rest is written down as not run."""
    environment = library_environment()
    journal.write(
        "recipe", **recipe(device=settings.device, precision=settings.precision), **describe_card()
    )
    materials = Materials(settings.home, settings.precision)
    _measure_copies(settings, environment, journal, within)
    for stage in stages:
        sys.stderr.write(f"{within.left_s:4.0f} s left: {stage.name}\n")
        if within.left_s < _LEAST_S:
            _not_run(stage.cases, stage.contenders, "time was over", journal)
            continue
        began_s = within.left_s
        try:
            materials.make(stage.geometry, within)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            _not_run(stage.cases, stage.contenders, str(error), journal)
            continue
        journal.write("made", geometry=stage.geometry, seconds=began_s - within.left_s)
        _run_stage(stage, materials, settings, environment, journal, within.part(stage.budget_s))


def _run_stage(
    stage: Stage,
    materials: Materials,
    settings: Settings,
    environment: dict[str, str],
    journal: Journal,
    within: Deadline,
) -> None:
    bundle, checkpoint = materials.bundle(stage.geometry), materials.checkpoint(stage.geometry)
    start = starter(bundle.absolute(), checkpoint.absolute(), settings.device, environment)
    with started(stage, start, journal, within) as workers:
        for index, case in enumerate(stage.cases):
            alive = {name: worker for name, worker in workers.items() if worker.is_alive}
            if not alive or not within.left_s:
                why = "the stage's time was over" if alive else "nobody was left"
                _not_run(stage.cases[index:], list(workers), why, journal)
                return
            documents = make_documents(case, bundle)
            floor_bytes = _floor_bytes(case, documents, materials)
            take_turns(case, documents, alive, journal, within, floor_bytes=floor_bytes)


def _floor_bytes(case: Case, documents: Documents, materials: Materials) -> float:
    """What a step reads at least, half-way through the summaries."""
    return materials.step_bytes(case.geometry).at(
        rows=case.batch,
        source=documents.mean_length,
        written=case.max_tokens / 2,
        beams=case.beams,
    )


def _measure_copies(
    settings: Settings, environment: dict[str, str], journal: Journal, within: Deadline
) -> None:
    start = starter(Path("-"), Path("-"), settings.device, environment)
    worker = start(ENTRIES[cases.COPIES], 1)
    job: dict[str, Any] = vars(Job(documents=[], texts=[], batch=1, max_tokens=0, min_tokens=0))
    try:
        facts = worker.hear(within.part(60))
        journal.write("copies", **facts, **worker.ask(job, within.part(30))["details"])
    except ContenderError as error:
        journal.write("absent", contender=cases.COPIES, why=str(error))
    finally:
        worker.close()


def _not_run(left: Sequence[Case], names: Sequence[str], why: str, journal: Journal) -> None:
    for case in left:
        for name in names:
            journal.write("not run", case=case.name, contender=name, what=why)
