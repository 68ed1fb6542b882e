"""Runs our own load generator as anybody would: a scenario's file in, a result's file out."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.results import Run, read_run

_PASSED_OR_NOT = (0, 1)  # a load beyond what a server can take breaks the gates, and is a result


class LoadFailed(RuntimeError):
    """The generator ended without a result; the message holds the last thing that it said."""


@dataclass(frozen=True)
class Load:
    """What is sent to whom: everything of a scenario but its phases."""

    documents: Path
    seed: int
    slo: Mapping[str, float] | None = None
    deadline_s: float | None = None

    def run(
        self,
        port: int,
        folder: Path,
        *,
        phases: Sequence[Mapping[str, Any]] = (),
        search: Mapping[str, Any] | None = None,
        core: int | None = None,
    ) -> Run:
        """Puts it on a server; the scenario, the result and its report stay in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        scenario = folder / "scenario.toml"
        scenario.write_text(self.scenario(folder.name, phases, search), "utf-8")
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        command = [*pinned, sys.executable, "-m", "loadtest", "run", str(scenario)]
        command += ["--target", f"127.0.0.1:{port}", "--output", str(folder)]
        command += ["--metrics-url", "none"]
        outcome = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        if outcome.returncode not in _PASSED_OR_NOT:
            lines = outcome.stderr.strip().splitlines() or ["it said nothing"]
            raise LoadFailed(f"loadtest ended with exit code {outcome.returncode}: {lines[-1]}")
        return read_run(folder / "result.json")

    def scenario(
        self,
        name: str,
        phases: Sequence[Mapping[str, Any]] = (),
        search: Mapping[str, Any] | None = None,
    ) -> str:
        """The scenario's file."""
        corpus = {
            "folders": [str(self.documents.resolve())],
            "language": "any",
            "tokens": [1, 1_000_000],
            # As they are: to the token as long as they were made.
            "distinct": False,
        }
        parts = [_lines({"description": f"Serving: {name}", "seed": self.seed})]
        parts.append("[corpus]\n" + _lines(corpus))
        if self.deadline_s is not None:
            parts.append("[[mix]]\n" + _lines({"deadline_s": self.deadline_s}))
        parts += ["[[phases]]\n" + _lines(phase) for phase in phases]
        if search is not None:
            parts.append("[search]\n" + _lines(search))
        if self.slo:
            parts.append("[slo]\n" + _lines(self.slo))
        return "\n".join(parts)


def _lines(table: Mapping[str, Any]) -> str:
    """A table of TOML; of numbers, words and lists of them JSON's form is TOML's."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
