"""k6, a load generator of its own school, written in Go: its scripts are beside this file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.figures import Figures
from benchmarks.serving.tools import run_tool

_SCRIPTS = Path(__file__).with_name("k6")
_PROTOS = Path("protos")


@dataclass(frozen=True)
class K6:
    """One load: at a rate if there is one, else of users."""

    seconds: float
    users: int = 1
    rate: float | None = None

    def run(self, program: Path, port: int, document: Path, folder: Path) -> Figures:
        """Puts it on a server; k6's own summary stays in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        summary = folder / "k6.json"
        script = _SCRIPTS / ("users.js" if self.rate is None else "arrival_rate.js")
        told = {
            "TARGET": f"127.0.0.1:{port}",
            "PROTOS": str(_PROTOS.resolve()),
            "DOCUMENT": str(document.resolve()),
            "SUMMARY": str(summary.resolve()),
            "SECONDS": f"{self.seconds:g}",
            "USERS": str(self.users),
            # k6 takes whole numbers only.
            "CALLS": str(round((self.rate or 0) * self.seconds)),
            "K6_NO_USAGE_REPORT": "true",
        }
        run_tool(
            [str(program), "run", "--quiet", "--no-color", str(script)],
            about_s=self.seconds,
            environment={**os.environ, **told},
        )
        # What comes by a rate comes for so long, however soon the last of it is answered.
        span_s = None if self.rate is None else self.seconds
        return read_summary(json.loads(summary.read_text("utf-8")), span_s)


def read_summary(summary: Mapping[str, Any], span_s: float | None = None) -> Figures:
    """What our scripts' handleSummary wrote; throughput is by the span, else by k6's whole run."""
    durations = summary["metrics"]["grpc_req_duration"]["values"]
    failed = int(summary["metrics"]["failed"]["values"]["count"])
    calls = int(durations["count"])
    if span_s is None:
        span_s = summary["state"]["testRunDurationMs"] / 1000
    return Figures(
        calls=calls,
        failed=failed,
        throughput=(calls - failed) / span_s,
        p50_ms=durations["p(50)"],
        p95_ms=durations["p(95)"],
        p99_ms=durations["p(99)"],
    )
