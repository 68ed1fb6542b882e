"""Adds to Locust's page the report of the last run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_report_pages(app: Any, last_folder: Callable[[], Path]) -> None:
    """Serves the report at /report and the numbers behind it at /result.json."""

    def serve(name: str, kind: str) -> tuple[bytes, int, dict[str, str]]:
        path = last_folder() / name
        if not path.is_file():
            return b"No run has ended yet.\n", 404, {"Content-Type": "text/plain"}
        return path.read_bytes(), 200, {"Content-Type": kind}

    app.add_url_rule("/report", "precis_report", lambda: serve("report.html", "text/html"))
    app.add_url_rule(
        "/result.json", "precis_result", lambda: serve("result.json", "application/json")
    )
