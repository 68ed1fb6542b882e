"""The verdict on a run: green only if most was judged, nothing failed and nobody disturbed it."""

from dataclasses import replace

import pytest

from loadtest.conduct.outcome import announce
from loadtest.measure.gates import judge
from loadtest.report.cautions import cautions
from loadtest.report.headline import headline
from loadtest.report.run_page import run_markdown, run_page
from loadtest.results import Phase, ProcessorUse, Run
from tests.loadtest.made_runs import call, phase_of, run_of

SLO = {"p99_ms": 1000, "min_served_share": 0.99}
GOOD = phase_of([call(at / 20) for at in range(100)], name="5/s")
ALSO_GOOD = replace(GOOD, name="2/s")


def overload(*, refused: int, failed: int, served: int) -> Phase:
    """Makes a phase that the scenario does not judge."""
    calls = [
        *(call(1.0) for _ in range(served)),
        *(call(1.0, status="RESOURCE_EXHAUSTED", refused=True) for _ in range(refused)),
        *(call(1.0, 30.0, status="DEADLINE_EXCEEDED") for _ in range(failed)),
    ]
    return replace(phase_of(calls, name="8/s"), judged=False)


def judged(*phases: Phase, **others: object) -> Run:
    """Makes a run whose phases are held against SLO where they are to be."""
    verdicts = judge(SLO, [phase for phase in phases if phase.judged])
    return run_of(*phases, verdicts=verdicts, **others)


def test_a_run_in_which_all_was_judged_and_passed_is_green() -> None:
    found = headline(judged(GOOD))

    assert (found.kind, found.words) == ("passed", "All 2 gates passed")


def test_a_run_is_not_green_over_calls_that_failed_in_a_phase_that_was_not_judged() -> None:
    found = headline(judged(GOOD, ALSO_GOOD, overload(refused=10, failed=58, served=32)))

    assert found.kind == "unsure"
    assert found.words == "All 4 gates passed. Not judged: 8/s (10 % refused, 58 % failed)"


def test_an_overload_that_was_only_refused_does_not_spoil_a_run() -> None:
    found = headline(judged(GOOD, ALSO_GOOD, overload(refused=58, failed=0, served=42)))

    assert (found.kind, found.words[-24:]) == ("passed", "Not judged: 8/s (58 % refused)"[-24:])


def test_a_run_of_which_most_was_not_judged_is_not_green() -> None:
    others = [replace(ALSO_GOOD, name=name, judged=False) for name in ("3/s", "4/s")]

    found = headline(judged(GOOD, *others))

    assert found.kind == "unsure"
    assert found.words.endswith("Not judged: 3/s (all served), 4/s (all served)")


@pytest.mark.parametrize(
    "use",
    [
        ProcessorUse(ours=0.4, others=0.55, stolen=0.0),
        ProcessorUse(ours=0.4, others=None, stolen=0.2),
    ],
)
def test_a_run_that_others_disturbed_is_not_green(use: ProcessorUse) -> None:
    run = judged(replace(GOOD, processor=use))

    assert headline(run).kind == "unsure"
    assert headline(run).words.endswith("Other processes disturbed 5/s")
    assert "do not trust these figures" in " ".join(cautions(run))


def test_a_gate_that_fails_is_red_and_named_with_its_phase() -> None:
    slow = phase_of([call(at / 20, 2.0) for at in range(100)], name="slow")

    found = headline(judged(GOOD, slow))

    assert (found.kind, found.words) == ("failed", "1 of 4 gates failed: p99_ms in slow")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (run_of(GOOD), "Nothing was judged"),
        (judged(GOOD, complete=False), "The run ended early. All 2 gates passed"),
        (judged(replace(GOOD, judged=False)), "Nothing was judged"),
    ],
)
def test_a_run_without_a_verdict_on_the_whole_of_it_is_not_green(run: Run, words: str) -> None:
    assert headline(run).kind == "unsure"
    assert headline(run).words == words


def test_page_markdown_and_the_last_line_on_the_terminal_say_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = judged(GOOD, ALSO_GOOD, overload(refused=0, failed=58, served=42))

    announce(run, [])

    lines = capsys.readouterr().out.splitlines()
    words = "All 4 gates passed. Not judged: 8/s (58 % failed)."
    assert lines[-1] == f"UNSURE: {words}"
    assert "not judged  8/s: 58 % failed" in lines
    assert f'<p class="unsure">{words}</p>' in run_page(run)
    assert f"**{words}**" in run_markdown(run)


def test_the_use_of_the_processor_by_others_is_told_once_with_its_phases() -> None:
    busy = ProcessorUse(ours=0.2, others=0.55, stolen=0.3)
    quiet = ProcessorUse(ours=0.9, others=0.05, stolen=0.01)
    run = run_of(
        replace(GOOD, name="A", processor=busy),
        replace(GOOD, name="B", processor=quiet),
        replace(GOOD, name="C", processor=busy),
    )

    assert cautions(run)[:2] == [
        "Other processes used 55 % of the processor during phase A, 55 % during C:"
        " do not trust these figures.",
        "Other virtual machines took 30 % of the processor (steal) during phase A, 30 % during C:"
        " do not trust these figures.",
    ]
