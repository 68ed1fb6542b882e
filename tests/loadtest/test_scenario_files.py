"""Scenarios are read strictly: what is wrong is told in one line, with what was likely meant."""

from pathlib import Path

import pytest

from loadtest.exits import Exit, LoadTestError
from loadtest.scenario_files import FOLDER, list_scenarios, read_scenario

LEAST = 'description = "d"\n[[phases]]\nname = "p"\nseconds = 10\n'


def refuse(text: str, folder: Path) -> LoadTestError:
    """Reads a scenario that must be refused, and gives the error."""
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(LoadTestError) as caught:
        read_scenario(str(path))
    assert "\n" not in str(caught.value)
    return caught.value


def test_every_scenario_that_comes_with_the_package_is_right_and_says_what_it_is_for() -> None:
    scenarios = dict(list_scenarios())

    assert scenarios.keys() == {path.stem for path in FOLDER.glob("*.toml")}
    assert {
        *("smoke", "steady", "ramp", "spike", "soak", "breakpoint", "overload", "mixed"),
        *("streaming", "long", "cancelling", "batch", "chinese", "tour"),
    } <= scenarios.keys()
    assert all(scenarios.values())


def test_an_unknown_scenario_is_answered_with_the_nearest() -> None:
    with pytest.raises(LoadTestError, match="no scenario 'stedy': did you mean steady") as caught:
        read_scenario("stedy")

    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("rat = 1", r"unknown key phases\.0\.rat: did you mean rate\?"),
        ("rate = 1\n[slo]\np99 = 3", r"slo\.p99 is unknown: did you mean p99_ms\?"),
        ("rate = 1\n[corpus]\nlang = 'en'", r"unknown key corpus\.lang: did you mean language\?"),
        ("rate = 1\n[[mix]]\ncal = 'x'", r"unknown key mix\.0\.cal: did you mean call\?"),
        ("rate = 0", r"phases\.0\.rate: .*greater than 0, not 0"),
        ("rate = '5'", r"phases\.0\.rate: .*valid number, not '5'"),
        ("", "needs one of rate, of_probe, at_s, trace and users, and has none"),
        ("rate = 1\nusers = 1", "and has rate and users"),
        ("users = 1\nrate_to = 3", "rate_to needs a rate"),
        ("of_probe = 1\nrate_to = 3", "rate_to needs a rate"),
        ("of_probe = 1\n[probe]\nuser = 3", r"unknown key probe\.user: did you mean users\?"),
        ("of_probe = 1\n[probe]\nwarm_up_s = 8", "leaves nothing to measure"),
        ("rate = 1\nslo = { p99 = 3 }", r"slo\.p99 is unknown: did you mean p99_ms\?"),
        ("rate = 1\nwarm_up_s = 10", "warm_up_s = 10.0 leaves nothing"),
        ("at_s = [2, 1]", "must ascend"),
        ("trace = 'missing.txt'", "trace missing.txt"),
        ("rate = 1\ncalls = ['SummarizeBatch']", "has calls that the mix has not"),
        ("rate = 1\n[[phases]]\nname = 'p'\nseconds = 1\nrate = 1", "the same name"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(line: str, told: str, tmp_path: Path) -> None:
    error = refuse(LEAST + line, tmp_path)

    assert error.code is Exit.USAGE
    with pytest.raises(LoadTestError, match=told):
        raise error


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    assert "own.toml" in str(refuse("= 3", tmp_path))


def test_a_search_without_gates_has_a_code_of_its_own(tmp_path: Path) -> None:
    error = refuse('description = "d"\n[search]\n', tmp_path)

    assert error.code is Exit.NO_SLO


def test_assignments_change_a_scenario_before_it_is_checked() -> None:
    scenario = read_scenario("smoke", ["phases.0.users=3", "slo.p99_ms=500", "description=own"])

    assert (scenario.phases[0].users, scenario.slo["p99_ms"]) == (3, 500)
    assert scenario.description == "own"


@pytest.mark.parametrize("change", ["phases.0", "phases.7.rate=1", "phases.x.rate=1"])
def test_an_assignment_to_nowhere_is_told(change: str) -> None:
    with pytest.raises(LoadTestError, match=f"--set {change}"):
        read_scenario("smoke", [change])


def test_factors_multiply_times_and_rates_wherever_they_are() -> None:
    usual, scaled = read_scenario("spike"), read_scenario("spike", (), 0.5, 2)

    for before, after in zip(usual.phases, scaled.phases, strict=True):
        assert after.seconds == before.seconds / 2
        assert after.warm_up_s == before.warm_up_s / 2
        assert after.rate == (before.rate or 0) * 2


def test_a_trace_is_read_from_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "times.txt").write_text("0.5\n1\n2.25\n")
    path = tmp_path / "own.toml"
    path.write_text(LEAST + 'trace = "times.txt"\n')

    assert read_scenario(str(path)).phases[0].at_s == (0.5, 1.0, 2.25)
