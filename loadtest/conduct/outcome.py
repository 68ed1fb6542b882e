"""Writes what was found, tells it in a few lines, and makes an exit code of it."""

from collections.abc import Sequence
from pathlib import Path

from loadtest.exits import Exit
from loadtest.report import write_reports
from loadtest.report.cautions import cautions
from loadtest.report.headline import headline, how_it_went, unjudged_phases
from loadtest.report.numbers import figure
from loadtest.results import Run, Verdict, write_run

_WORDS = {"passed": "passed", "failed": "FAILED", "unsure": "UNSURE"}


def write_outcome(run: Run, folder: Path) -> list[Path]:
    """Writes the numbers and their reports; the numbers first, whatever becomes of the others."""
    result = folder / "result.json"
    write_run(run, result)
    return [*(path for path in write_reports(run, folder) if path != result), result]


def announce(run: Run, paths: Sequence[Path]) -> None:
    """Prints each gate, what was not judged, where the report is, and last how it all went."""
    for verdict in run.verdicts:
        print(_line(verdict))
    for phase in unjudged_phases(run):
        print(f"not judged  {phase.name}: {how_it_went(phase)}")
    if run.highest_rate is not None:
        print(f"highest rate that keeps the gates: {run.highest_rate:g} a second")
    for note in (*run.notes, *cautions(run)):
        print(f"note: {note}")
    for path in paths:
        print(path)
    whole = headline(run)
    print(f"{_WORDS[whole.kind]}: {whole.words}.")


def exit_code(run: Run) -> Exit:
    """Tells how it ended."""
    if not run.complete:
        return Exit.INTERRUPTED
    passed = all(verdict.passed for verdict in run.verdicts)
    return Exit.PASSED if passed else Exit.GATES_FAILED


def _line(verdict: Verdict) -> str:
    word = "passed" if verdict.passed else "FAILED"
    found = "nothing was measured" if verdict.found is None else f"found {figure(verdict.found)}"
    return f"{word}  {verdict.phase}: {verdict.gate}, {found}"
