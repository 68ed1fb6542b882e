"""Runs side by side: ratios, intervals, and what cannot be compared."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.report.commands import add_commands
from loadtest.report.comparison import CannotCompare, Line, compare
from loadtest.report.comparison_page import comparison_markdown, comparison_page
from loadtest.results import Phase, Run, write_run
from tests.loadtest.made_runs import RECIPE, call, phase_of, rich_run, run_of


def phase(seconds: float, name: str = "steady", **others: object) -> Phase:
    made = phase_of([call(at / 20, seconds) for at in range(100)], name=name)
    return replace(made, **others)


def line_of(runs: Sequence[Run], figure: str) -> Line:
    return next(line for line in compare(runs).lines if line.figure == figure)


def run_command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    return int(parsed.command(parsed))


def test_figures_are_held_against_those_of_the_first_run() -> None:
    runs = [run_of(phase(seconds), title=str(seconds)) for seconds in (0.1, 0.2, 0.05)]

    latency = line_of(runs, "p99_ms")
    throughput = line_of(runs, "throughput")

    assert [cell.ratio for cell in latency.cells] == [
        *(None, pytest.approx(2, rel=0.002), pytest.approx(0.5, rel=0.002))
    ]
    assert [cell.ratio for cell in throughput.cells] == [None, 1.0, 1.0]


@pytest.mark.parametrize(
    ("mine", "theirs", "overlaps"),
    [
        ((90.0, 110.0), (110.0, 130.0), True),
        ((90.0, 110.0), (95.0, 100.0), True),
        ((90.0, 110.0), (110.1, 130.0), False),
        ((90.0, 110.0), None, None),
    ],
)
def test_intervals_say_whether_a_difference_may_be_chance(
    mine: tuple[float, float], theirs: tuple[float, float] | None, overlaps: bool | None
) -> None:
    runs = [
        run_of(phase(0.1, intervals={} if pair is None else {"p99_ms": pair}), title=str(pair))
        for pair in (mine, theirs)
    ]

    for order in (runs, runs[::-1]):
        assert line_of(order, "p99_ms").cells[1].overlaps is overlaps


def test_a_figure_that_one_run_lacks_has_no_ratio() -> None:
    failing = run_of(phase_of([call(1.0, status="UNAVAILABLE")]), title="failing")

    for runs in ([run_of(phase(0.1)), failing], [failing, run_of(phase(0.1))]):
        assert line_of(runs, "p99_ms").cells[1].ratio is None


def test_only_what_differs_in_the_recipes_is_told() -> None:
    other = run_of(phase(0.1), title="B", recipe={**RECIPE, "batching": "off", "copying": "on"})

    assert compare([run_of(phase(0.1)), other]).differences == {
        "batching": ("continuous", "off"),
        "copying": (None, "on"),
    }


def test_phases_that_not_all_runs_have_are_left_out_and_named() -> None:
    comparison = compare(
        [
            run_of(phase(0.1), phase(0.1, "burst"), title="A"),
            run_of(phase(0.1), phase(0.1, "soak", level=3.0), title="B"),
        ]
    )

    assert comparison.phases == ("steady",)
    assert comparison.left_out == {"A": ("burst",), "B": ("soak",)}
    assert "A: burst; B: soak" in comparison_markdown(comparison)


def test_one_name_with_two_loads_is_told() -> None:
    comparison = compare([run_of(phase(0.1)), run_of(phase(0.1, level=99.0))])

    assert comparison.loads_differ == ("steady",)
    assert comparison.names == ("A run (1)", "A run (2)")
    assert "The loads of one name differ in: steady." in comparison_markdown(comparison)


def test_searches_that_probed_other_rates_are_compared_by_rate() -> None:
    searches = [
        run_of(
            *(phase(0.1, f"{rate} a second", level=rate) for rate in rates),
            title=f"to {rates[-1]}",
            highest_rate=rates[-1],
        )
        for rates in ((1.0, 2.0, 4.0), (3.0, 5.0))
    ]

    comparison = compare(searches)

    assert (comparison.phases, comparison.lines) == ((), ())
    words = comparison_markdown(comparison)
    assert "| calls/s | 4.00 | 5.00 (×1.25) |" in words  # noqa: RUF001
    assert "p99 latency against offered rate" in comparison_page(comparison)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([run_of(phase(0.1))], "a comparison needs at least two runs, not 1"),
        (
            [run_of(phase(0.1), title="A"), run_of(phase(0.1, "users", model="closed"), title="B")],
            "the runs have neither phases in common nor rates (A: steady; B: users)",
        ),
        (
            [run_of(phase(0.1), phase(0.1), title="A"), run_of(phase(0.1), title="B")],
            "A has several phases of the name 'steady'",
        ),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_in_one_line(
    runs: list[Run], message: str
) -> None:
    with pytest.raises(CannotCompare) as refusal:
        compare(runs)

    assert str(refusal.value) == message


def test_the_commands_write_what_they_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [str(tmp_path / name / "result.json") for name in ("a", "b")]
    for path, slowness in zip(results, (1.0, 2.0), strict=True):
        Path(path).parent.mkdir()
        write_run(rich_run("same title", slowness), Path(path))

    assert run_command("report", results[0]) == 0
    assert run_command("compare", *results, "--output", str(tmp_path / "c")) == 0
    names = ("--name", "CPU", "--name", "CUDA")
    assert run_command("plots", *results, *names, "--output", str(tmp_path / "p")) == 0

    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in written] == [
        *("report.html", "report.md", "result.json"),
        *("comparison.html", "comparison.md"),
        *("latency-by-rate.svg", "tail.svg"),
    ]
    assert all(path.exists() for path in written)
    assert "CUDA" in (tmp_path / "p" / "tail.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "no.json", "no.json"], "no.json is not a run's result: "),
        (["compare", "a.json"], "a comparison needs at least two runs, not 1"),
        (["compare", "a.json", "a.json"], "one result or one name is given twice"),
        (["compare", "a.json", "b.json"], "the runs have neither phases in common nor rates"),
        (["plots", "a.json", "--name", "a", "--name", "b"], "2 names for 1 results"),
        (["report", "no.json"], "no.json is not a run's result: "),
    ],
)
def test_what_cannot_be_done_is_one_line_and_the_exit_code_of_wrong_usage(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(run_of(phase(0.1)), Path("a.json"))
    write_run(run_of(phase(0.1, "users", model="closed"), title="B"), Path("b.json"))

    assert run_command(*arguments) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"loadtest: {message}")
    assert captured.err.count("\n") == 1
