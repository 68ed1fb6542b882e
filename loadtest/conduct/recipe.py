"""What it takes to repeat a run: versions, commit, machine, seed, arrivals, and what was asked."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from loadtest.orders import Target
from loadtest.scenario import MixEntry, Scenario

_PACKAGES = ("locust", "gevent", "grpcio", "protobuf")
_ROOT = Path(__file__).resolve().parents[2]


def describe_run(
    scenario: Scenario, target: Target, generators: int, seed: str, facts: Mapping[str, str]
) -> dict[str, str]:
    """Gathers the recipe; what cannot be found out is left out."""
    recipe = {
        **facts,
        "machine of the generator": _machine(),
        "generators": str(generators),
        "connections of each": str(target.connections or "one for each user"),
        "TLS": "yes" if target.tls else "no",
        "seed": seed,
        "arrivals": _arrivals(scenario),
        "mix": "; ".join(map(_mix_entry, scenario.mix)),
        "corpus": _corpus(scenario),
        "repeats": str(scenario.repeats),
        "Python": platform.python_version(),
        **dict(_versions()),
    }
    if commit := _commit():
        recipe["commit"] = commit
    return recipe


def _mix_entry(entry: MixEntry) -> str:
    """Says of a kind of call all that is not as usual."""
    shown = {"call", "weight", "corpus"}
    others = entry.model_dump(mode="json", exclude_defaults=True, exclude=shown)
    told = ", ".join(f"{key} {json.dumps(value)}" for key, value in others.items())
    return f"{entry.weight:g} {entry.call}" + (f" ({told})" if told else "")


def _arrivals(scenario: Scenario) -> str:
    kinds = {
        "closed loop"
        if phase.users
        else "trace"
        if phase.at_s is not None
        else f"open loop, {phase.arrivals}"
        for phase in scenario.phases
    }
    if scenario.search is not None:
        kinds.add(f"open loop, {scenario.search.arrivals}")
    return "; ".join(sorted(kinds))


def _corpus(scenario: Scenario) -> str:
    tables = [entry.corpus or scenario.corpus for entry in scenario.mix]
    told = [
        f"{table.language}, about {table.tokens[0]} to {table.tokens[1]} tokens"
        + (", each different" if table.distinct else "")
        for table in tables
    ]
    return "; ".join(dict.fromkeys(told))


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, {platform.system()} {platform.release()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _versions() -> Iterator[tuple[str, str]]:
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _commit() -> str | None:
    """Names the commit of the tree that this file is in, and whether it was changed since."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        found = subprocess.run(  # noqa: S603  # our own words
            [git, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
