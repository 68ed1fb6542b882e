"""A whole tour: choose cases, run them, and put the report together."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.cpu import cases
from benchmarks.cpu.case import Case
from benchmarks.cpu.documents import SEED
from benchmarks.cpu.environment import peers_python
from benchmarks.cpu.models import Models
from benchmarks.cpu.report import tour_table
from benchmarks.cpu.roofline import Machine, measure_machine, read_work
from benchmarks.cpu.summary import summarise
from benchmarks.cpu.tour import Result, Settings, Tour
from benchmarks.recipe import recipe

_LARGEST_ROUGE_LOSS = 0.3
_QUIET_LOAD = 0.5
_CHECKPOINT = Path("models/default/checkpoint")


def run_tour(
    tour_cases: Sequence[Case],
    *,
    only: Sequence[str],
    contenders: Sequence[str],
    repeats: int,
    threads: int,
    home: Path,
    quality_data: Sequence[Path] = (),
    python_of_peers: Callable[[], Path] = peers_python,
) -> tuple[dict[str, Any], str]:
    """Runs it, and gives the whole report and its tables."""
    chosen = choose(tour_cases, only, contenders)
    if not chosen:
        raise SystemExit(f"no case has {' or '.join(map(repr, [*only, *contenders]))} in its name")
    models = Models(home, python_of_peers)
    tour = Tour(Settings(repeats=repeats, threads=threads), models, python_of_peers)
    load = round(os.getloadavg()[0], 1)
    if load > _QUIET_LOAD:
        sys.stderr.write(f"the machine is busy (load {load}): expect noise\n")
    machine = measure_machine(threads)
    summaries = []
    for result in tour.run(chosen):
        summary = summarise(result)
        _add_floors(summary, result, models, machine)
        summaries.append(summary)
    settings = {"threads": threads, "repeats": repeats, "seed": SEED, "load_before": load}
    report = {
        "recipe": recipe(**settings, **_peers_only(tour.versions)),
        "machine": asdict(machine),
        "cases": summaries,
        "quality": _quality(models, quality_data, threads),
    }
    return report, tour_table(report)


def choose(
    tour_cases: Sequence[Case], only: Sequence[str], contenders: Sequence[str]
) -> list[Case]:
    """The cases that are asked for, with those who are, sorted by geometry."""
    chosen = []
    for case in tour_cases:
        names = [n for n in case.contenders if not contenders or any(c in n for c in contenders)]
        if names and (not only or any(words in case.name for words in only)):
            goals = [goal for goal in case.goals if {goal.ours, goal.theirs} <= set(names)]
            chosen.append(replace(case, contenders=tuple(names), goals=tuple(goals)))
    order = list(dict.fromkeys(case.geometry for case in chosen))
    return sorted(chosen, key=lambda case: order.index(case.geometry))


def _add_floors(summary: dict[str, Any], result: Result, models: Models, machine: Machine) -> None:
    """For ours in int8, which alone says how many steps it took."""
    figures = summary["contenders"].get(cases.OURS_INT8)
    if figures is None or "decoder_runs" not in figures["details"]:
        return
    details = figures["details"]
    work = read_work(models.path(result.case.geometry, "checkpoint"))
    figures["floor_s"] = work.floor_s(
        machine,
        source_tokens=sum(result.source_lengths),
        steps=details["decoder_runs"],
        step_tokens=details["fed_tokens"] / details["decoder_runs"],
    )


def _peers_only(versions: dict[str, str]) -> dict[str, str]:
    """Our own packages are in every recipe already."""
    ours = recipe()
    return {name: value for name, value in versions.items() if ours.get(name) != value}


def _quality(models: Models, data: Sequence[Path], threads: int) -> list[dict[str, Any]]:
    """ROUGE of the int8 bundle beside PyTorch's, by the command that measures just that."""
    if not data:
        return []
    bundle = models.path(cases.DEFAULT, "ours-int8")
    with tempfile.NamedTemporaryFile(suffix=".json") as target:
        command = [sys.executable, "-m", "benchmarks", "quality", "--checkpoint", str(_CHECKPOINT)]
        command += ["--bundle", str(bundle), "--data", *map(str, data)]
        command += ["--threads", str(threads), "--json", target.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own module
        rows = json.loads(Path(target.name).read_text("utf-8"))["rows"]
    return [
        {
            "data": row["data"],
            "documents": row["documents"],
            "fp32": row["pytorch_fp32"][-1],
            "bundle": row["bundle"][-1],
            "difference": row["rouge_l_difference"],
            "wanted": _LARGEST_ROUGE_LOSS,
            "met": row["rouge_l_difference"] >= -_LARGEST_ROUGE_LOSS,
        }
        for row in rows
    ]
