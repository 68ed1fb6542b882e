"""What a long document costs in processor time and memory, by its length."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.long.documents import of_length
from benchmarks.recipe import recipe
from server.offline import OfflineEngine
from server.types import Length

_WAYS: dict[str, dict[str, Any]] = {
    "extract": {"style": "extract", "length": Length(words=120)},
    "select": {"style": "brief", "long_documents": "select"},
    "cover": {"long_documents": "cover", "length": Length(words=120)},
}


def measure_lengths(bundle: Path, characters: Sequence[int]) -> dict[str, Any]:
    """Summarises a document of each length in each way, in a process of its own."""
    rows = []
    for count in characters:
        for way in _WAYS:
            command = [sys.executable, "-m", "benchmarks.long.lengths", str(bundle), way]
            outcome = subprocess.run(  # noqa: S603 - this file
                [*command, str(count)], capture_output=True, text=True, check=True
            )
            rows.append(json.loads(outcome.stdout))
            _say(rows[-1])
    return {"recipe": recipe(bundle=bundle.name, threads=1), "rows": rows}


def lengths_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    heads = [f"{way}: {what}" for way in _WAYS for what in ("seconds", "MB")]
    lines = [f"| characters | {' | '.join(heads)} |", f"|{' ---: |' * (1 + len(heads))}"]
    for count in dict.fromkeys(row["characters"] for row in report["rows"]):
        rows = [row for row in report["rows"] if row["characters"] == count]
        cells = [
            cell for row in rows for cell in (f"{row['seconds']:.2f}", f"{row['peak_mb']:.0f}")
        ]
        lines.append(f"| {count:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measure(bundle: Path, way: str, characters: int) -> dict[str, Any]:
    """Processor seconds on one thread, and how far the memory's peak rises above the model's."""
    document = of_length(characters)
    # As in the server, two windows are in work at once.
    with OfflineEngine(bundle, provider="cpu", threads=1, max_rows=2) as engine:
        list(engine.summarise(of_length(2_000), style="brief"))  # what is only done once
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins here
        before_mb, started_s = _peak_mb(), time.process_time()
        (summary,) = engine.summarise(document, **_WAYS[way])
        seconds = time.process_time() - started_s
    return {
        "way": way,
        "characters": characters,
        "read_as": summary.way.value,
        "windows": summary.usage.chunks,
        "tokens": summary.usage.source_tokens,
        "seconds": round(seconds, 3),
        "peak_mb": round(_peak_mb() - before_mb, 1),
    }


def _peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found is not None, "Linux tells every process its own peak"
    return int(found[1]) * 1024 / 1e6


def _say(row: dict[str, Any]) -> None:
    sys.stderr.write(f"{row['way']}, {row['characters']:,} characters: {row['seconds']} s\n")


if __name__ == "__main__":
    found = _measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    sys.stdout.write(json.dumps(found))
