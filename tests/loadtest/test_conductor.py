"""A scenario is carried through: phases, repeats, the search, gates, and an early end."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from loadtest.conduct.conductor import Conductor
from loadtest.conduct.outcome import exit_code
from loadtest.conduct.plan import Plan
from loadtest.conduct.progress import Progress
from loadtest.exits import Exit, LoadTestError
from loadtest.measure.call import Call
from loadtest.measure.recorder import PhaseRecorder
from loadtest.orders import Target, Work
from loadtest.results import Run
from loadtest.scenario import Phase, Scenario

TARGET = Target(address="nowhere:1")


class FakeGenerators:
    """Two generators that answer every arrival in as many seconds as a test says of its rate."""

    size = 2

    def __init__(
        self,
        latency_s: Callable[[float], float] = lambda rate: 0.1,
        refuses_above: float = math.inf,
    ) -> None:
        self._latency_s, self._refuses_above = latency_s, refuses_above
        self.phases: list[Phase] = []
        self.stop_at: int | None = None
        self.stops = 0
        self.is_deserted = False
        self.breaks_at: int | None = None
        self.stalls_at: int | None = None

    def set_up(self, target: Target, work: Work) -> Mapping[str, str]:
        return {"model": "fake 1"}

    def run(self, number: int, phase: Phase, start_s: float, patience_s: float) -> list[Any]:
        assert number == len(self.phases)
        self.phases.append(phase)
        if number == self.breaks_at:
            raise LoadTestError(Exit.BROKEN, "a generator ended with exit code -9")
        return [self._part(phase, start_s, number, share) for share in range(2)]

    def stop(self) -> None:
        self.stops += 1

    def _part(self, phase: Phase, start_s: float, number: int, share: int) -> dict[str, Any]:
        recorder = PhaseRecorder(phase.name, phase.model, phase.level, phase.warm_up_s, start_s)
        rate = phase.rate or 1.0
        calls = 0 if self.is_deserted else int(rate * phase.seconds)
        for call in range(share, calls, 2):
            due_s = start_s + call / rate
            recorder.arrival(due_s)
            ended_s = due_s + (1.5 if number == self.stalls_at else self._latency_s(rate))
            # What it takes beyond its capacity it refuses, at once.
            share_refused = max(0.0, 1 - self._refuses_above / rate)
            status = "RESOURCE_EXHAUSTED" if call % 100 < 100 * share_refused else "OK"
            recorder.add(
                Call(kind="Fake", intended_s=due_s, sent_s=due_s, ended_s=ended_s, status=status)
            )
        end_s = start_s + phase.seconds
        return {
            "recorded": recorder.dump(),
            "ended_early": number == self.stop_at,
            "end_s": end_s,
        }


def conduct(
    scenario: dict[str, object],
    latency_s: Callable[[float], float] = lambda rate: 0.1,
    stop_at: int | None = None,
    refuses_above: float = math.inf,
) -> tuple[Run, FakeGenerators]:
    generators = FakeGenerators(latency_s, refuses_above)
    generators.stop_at = stop_at
    conductor = conductor_of(scenario, generators)
    if stop_at is not None:
        run_part = generators.run

        def stop_then(number: int, *rest: Any) -> list[Any]:
            if number == stop_at:
                conductor.interrupt()
            return run_part(number, *rest)

        generators.run = stop_then  # type: ignore[method-assign]
    return conductor.conduct(), generators


def conductor_of(scenario: dict[str, object], generators: FakeGenerators) -> Conductor:
    read = Scenario.model_validate({"description": "d", **scenario})
    plan = Plan(name="n", title="t", scenario=read, target=TARGET, notes={"mine": "yes"})
    return Conductor(plan, generators, Progress(lambda: (0, 0)))


LIGHT = {"name": "light", "seconds": 10.0, "rate": 5.0}
HEAVY = {"name": "heavy", "seconds": 10.0, "rate": 50.0, "judged": False}


def test_the_parts_of_the_generators_are_one_phase() -> None:
    run, _ = conduct({"phases": (LIGHT,)})

    (phase,) = run.phases
    assert (phase.offered, phase.ok, phase.level) == (50, 50, 5.0)
    assert run.recipe["model"] == "fake 1"
    assert run.recipe["mine"] == "yes"
    assert run.complete
    assert exit_code(run) is Exit.PASSED


def test_repeats_are_interleaved_and_pooled_with_their_intervals() -> None:
    run, generators = conduct({"phases": (LIGHT, HEAVY), "repeats": 3})

    assert [phase.name for phase in generators.phases] == ["light", "heavy"] * 3
    assert [phase.name for phase in run.phases] == ["light", "heavy"]
    assert run.phases[0].offered == 150
    assert "p95_ms" in run.phases[0].intervals


def test_a_phase_that_is_not_judged_cannot_fail_the_run() -> None:
    run, _ = conduct(
        {"phases": (LIGHT, HEAVY), "slo": {"p99_ms": 200.0}},
        lambda rate: 0.1 if rate < 10 else 3.0,
    )

    assert {(verdict.phase, verdict.passed) for verdict in run.verdicts} == {("light", True)}
    assert exit_code(run) is Exit.PASSED


def test_a_gate_that_fails_has_its_exit_code() -> None:
    run, _ = conduct({"phases": (LIGHT,), "slo": {"p99_ms": 50.0}})

    assert exit_code(run) is Exit.GATES_FAILED


def search_scenario(**keys: object) -> dict[str, object]:
    table = {"seconds": 10.0, "warm_up_s": 0.0, "then": (0.5,), "then_seconds": 20.0, **keys}
    return {"search": table, "slo": {"p99_ms": 1000.0}}


def test_a_search_measures_at_parts_of_the_rate_that_it_found() -> None:
    run, generators = conduct(search_scenario(), lambda rate: 0.1 if rate <= 12 else 9.0)

    assert run.highest_rate is not None
    assert 12 / 1.06 <= run.highest_rate <= 12
    longer, last = generators.phases[-2:]
    assert (longer.rate, longer.seconds) == (run.highest_rate, 20.0)
    assert last.name == "50 % of the highest rate"
    assert (last.rate, last.seconds) == (round(run.highest_rate / 2, 2), 20.0)
    assert exit_code(run) is Exit.PASSED


def test_a_search_that_finds_nothing_fails_its_gate() -> None:
    run, _ = conduct(search_scenario(), lambda rate: 9.0)

    assert run.highest_rate is None
    assert exit_code(run) is Exit.GATES_FAILED


PARTS = (
    {"name": "half", "seconds": 10.0, "of_probe": 0.5},
    {"name": "twice", "seconds": 10.0, "of_probe": 2.0, "judged": False},
)


def test_rates_are_parts_of_what_a_probe_finds_first() -> None:
    run, generators = conduct(
        {"phases": PARTS, "probe": {"seconds": 20.0}, "slo": {"min_served_share": 1.0}}
    )

    probe, half, twice = generators.phases
    assert (probe.name, probe.users, probe.seconds) == ("probe", 4, 20.0)
    # One call a second is what these generators make of a phase without a rate.
    assert (half.rate, twice.rate) == (0.5, 2.0)
    assert [phase.judged for phase in run.phases] == [False, True, False]
    assert [verdict.phase for verdict in run.verdicts] == ["half"]
    assert "The rates are parts of 1 calls a second" in run.notes[0]


def test_a_probe_of_too_few_calls_is_made_again_in_twice_the_time() -> None:
    run, generators = conduct({"phases": PARTS, "probe": {"seconds": 4.0}})

    assert [phase.seconds for phase in generators.phases] == [4.0, 8.0, 16.0, 10.0, 10.0]
    assert [phase.name for phase in run.phases] == ["probe", "half", "twice"]
    assert run.phases[0].seconds == 15.0


def test_a_probe_that_nobody_answers_ends_the_run_and_says_what_to_do() -> None:
    generators = FakeGenerators()
    generators.is_deserted = True

    conductor = conductor_of({"phases": PARTS}, generators)
    run = conductor.conduct()

    assert len(generators.phases) == 3
    assert not run.complete
    assert conductor.error is not None
    assert conductor.error.code is Exit.BROKEN
    assert "give the phases a `rate`" in str(conductor.error)


def test_a_phase_may_have_gates_of_its_own_instead_of_the_scenarios() -> None:
    heavy = {**HEAVY, "judged": True, "slo": {"refused_rate": 1.0}}

    run, _ = conduct({"phases": (LIGHT, heavy), "slo": {"p99_ms": 200.0}})

    assert [(one.gate, one.phase) for one in run.verdicts] == [
        ("p99_ms <= 200", "light"),
        ("refused_rate <= 1", "heavy"),
    ]


def test_an_interrupted_run_keeps_what_was_measured() -> None:
    run, generators = conduct({"phases": (LIGHT, HEAVY), "repeats": 2}, stop_at=1)

    assert generators.stops == 1
    assert len(generators.phases) == 2
    assert [phase.name for phase in run.phases] == ["light", "heavy"]
    assert not run.complete
    assert exit_code(run) is Exit.INTERRUPTED


def test_a_phase_that_nobody_came_to_fails_its_gates() -> None:
    generators = FakeGenerators()
    generators.is_deserted = True

    run = conductor_of({"phases": (LIGHT,), "slo": {"p99_ms": 200.0}}, generators).conduct()

    assert [(phase.name, phase.offered) for phase in run.phases] == [("light", 0)]
    assert exit_code(run) is Exit.GATES_FAILED


def test_a_search_is_not_deceived_by_quick_refusals() -> None:
    run, _ = conduct(search_scenario(), refuses_above=12.0)

    assert run.highest_rate is not None
    # A hundredth may fail.
    assert 12 / 1.06 <= run.highest_rate <= 12 * 1.02
    assert {verdict.gate for verdict in run.verdicts} >= {"error_rate <= 0.01"}


def test_a_rate_is_tried_again_before_it_is_held_too_high() -> None:
    generators = FakeGenerators()
    generators.stalls_at = 1

    run = conductor_of(search_scenario(highest=4.0), generators).conduct()

    assert run.highest_rate == 4.0


def test_a_rate_that_is_far_too_high_is_tried_once() -> None:
    _, generators = conduct(search_scenario(), lambda rate: 0.1 if rate <= 12 else 9.0)

    names = [phase.name for phase in generators.phases]
    assert len(names) == len(set(names))


def test_a_probe_lasts_until_there_are_enough_calls_for_a_p99() -> None:
    _, generators = conduct(search_scenario(warm_up_s=1.0, highest=40.0))

    *probes, _, _ = generators.phases
    lengths = {phase.rate: phase.seconds for phase in probes}
    assert lengths == {1: 101, 2: 51, 4: 26, 8: 13.5, 16: 10, 32: 10, 40: 10}


def test_an_interrupted_search_says_what_it_knew() -> None:
    run, _ = conduct(search_scenario(), stop_at=3)

    assert run.highest_rate is None
    assert "The search had not ended; 4 a second kept the gates." in run.notes


def test_a_run_that_breaks_keeps_what_was_measured_and_says_why() -> None:
    generators = FakeGenerators()
    generators.breaks_at = 1

    conductor = conductor_of({"phases": (LIGHT, HEAVY)}, generators)
    run = conductor.conduct()

    assert [phase.name for phase in run.phases] == ["light"]
    assert not run.complete
    assert "exit code -9" in run.notes[0]
    assert conductor.error is not None
    assert conductor.error.code is Exit.BROKEN
