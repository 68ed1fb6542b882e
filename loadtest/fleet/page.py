"""Adds to Locust's page what it does not know: the scenario, the phase that runs, the report."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from loadtest.conduct.plan import Plan
from loadtest.conduct.progress import describe_load
from loadtest.report.templating import fill
from loadtest.scenario import Phase, Scenario

ROOT = '<div id="root">'
"""Where Locust's page begins; what stands before it is left alone by its scripts."""


def add_pages(
    app: Any, plan: Plan, status: Callable[[], str], last_folder: Callable[[], Path]
) -> None:
    """Serves /scenario, /report and /result.json, and shows the scenario above Locust's page."""
    banner = describe_scenario(plan)

    def show(response: Any) -> Any:
        if response.mimetype == "text/html" and not response.direct_passthrough:
            page = response.get_data(as_text=True)
            response.set_data(page.replace(ROOT, banner + ROOT, 1))
        return response

    def serve(name: str, kind: str) -> tuple[bytes, int, dict[str, str]]:
        path = last_folder() / name
        if not path.is_file():
            return b"No run has ended yet.\n", 404, {"Content-Type": "text/plain"}
        return path.read_bytes(), 200, {"Content-Type": kind}

    def scenario() -> dict[str, Any]:
        return {"words": status(), "has_report": (last_folder() / "report.html").is_file()}

    app.after_request(show)
    app.add_url_rule("/scenario", "precis_scenario", scenario)
    app.add_url_rule("/report", "precis_report", lambda: serve("report.html", "text/html"))
    app.add_url_rule(
        "/result.json", "precis_result", lambda: serve("result.json", "application/json")
    )


def describe_scenario(plan: Plan) -> str:
    """Writes what the scenario does, as HTML."""
    return fill(
        "locust.html",
        name=plan.name,
        description=plan.scenario.description,
        loops=" ".join(_loops(plan.scenario)),
        phases=[
            {
                "name": phase.name,
                "load": describe_load(phase),
                "seconds": f"{phase.seconds:g}",
                "judged": phase.judged,
            }
            for phase in _phases(plan.scenario)
        ],
    )


def _phases(scenario: Scenario) -> list[Phase]:
    return [*([scenario.probe.phase(0)] if scenario.needs_probe else []), *scenario.phases]


def _loops(scenario: Scenario) -> Iterator[str]:
    users = [phase.users is not None for phase in scenario.phases]
    if scenario.search is not None or not all(users):
        yield (
            "Arrivals are open loop: calls are sent when they are due, whether or not earlier ones"
            " were answered."
        )
    if any(users):
        yield "Users are closed loop: each waits for its answer before it asks again."
