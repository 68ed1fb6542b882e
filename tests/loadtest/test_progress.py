"""What a run says while it goes on, in a log file and on Locust's page."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from loadtest.conduct.plan import Plan
from loadtest.conduct.progress import Progress
from loadtest.fleet.page import ROOT, describe_scenario
from loadtest.orders import Target
from loadtest.scenario_files import read_scenario


def test_where_there_is_no_terminal_a_plain_line_comes_every_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress(lambda: (7, 2))
    progress.begin(read_scenario("steady").phases[0], " (1 of 3)")
    for _ in range(25):
        progress.tick()

    first, *later = capsys.readouterr().err.splitlines()
    assert first == "steady (1 of 3): 5 arrivals a second for 60 s"
    assert later == ["  0 of 60 s, 0 answered, 0 not served"] * 2


def test_the_page_is_told_which_phase_of_how_many_is_running() -> None:
    scenario = read_scenario("steady")
    progress = Progress(lambda: (0, 0), scenario.measured_phases)
    for _ in range(2):
        progress.begin(scenario.phases[0], "")

    assert progress.where() == "phase 2 of 3, steady (5 arrivals a second): 0 of 60 s"


def test_the_page_names_the_scenario_its_phases_and_that_arrivals_are_open_loop() -> None:
    plan = Plan(
        name="tour", title="t", scenario=read_scenario("tour"), target=Target(address="a:1")
    )

    page = describe_scenario(plan)

    assert "<strong>Scenario tour</strong>" in page
    assert "<li>probe: 4 users for 8 s (not judged)</li>" in page
    assert "<li>50 % of capacity: arrivals at 50 % of what the probe finds for 10 s</li>" in page
    assert "Arrivals are open loop" in page
    assert 'input[name="userCount"]' in page  # hidden: the scenario decides


def test_locusts_page_still_has_what_ours_is_put_into() -> None:
    found = find_spec("locust")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "webui" / "dist"

    assert ROOT in (folder / "index.html").read_text("utf-8")
    (script,) = (folder / "assets").glob("src-*.js")
    words = script.read_text("utf-8")
    assert all(f"name:`{name}`" in words for name in ("userCount", "spawnRate"))
