"""Carries a scenario through with a fleet of generators."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from loadtest.conduct.plan import Plan
from loadtest.conduct.processor import Reading, read_processor, use_between
from loadtest.conduct.progress import Progress
from loadtest.conduct.recipe import describe_run
from loadtest.conduct.search import confirm, find_highest
from loadtest.conduct.server_side import compare, scrape, settings
from loadtest.engine.generator import LEAD_S
from loadtest.exits import Exit, LoadTestError
from loadtest.measure.gates import is_far_off, judge
from loadtest.measure.recorder import PhaseRecorder
from loadtest.measure.repeats import pool_repeats
from loadtest.orders import Target, Work
from loadtest.report.cautions import disturbances
from loadtest.results import Phase as Found
from loadtest.results import Run, Verdict
from loadtest.scenario import Phase, Scenario


class Generators(Protocol):
    """What a conductor needs of a fleet."""

    @property
    def size(self) -> int: ...
    def set_up(self, target: Target, work: Work) -> Mapping[str, str]: ...
    def run(self, number: int, phase: Phase, start_s: float, patience_s: float) -> list[Any]: ...
    def stop(self) -> None: ...


class Interrupted(Exception):
    """Somebody wants it to end now."""


class Conductor:
    """Conducts one run."""

    def __init__(self, plan: Plan, generators: Generators, progress: Progress) -> None:
        self._plan = plan
        self._generators = generators
        self._progress = progress
        self._origin = time.monotonic()
        self._number = 0
        self._found: dict[str, list[Found]] = {}
        self._highest: float | None = None
        self._capacity: float | None = None  # calls a second that a probe found
        self._kept: list[float] = []
        self._slo = _objective(plan.scenario)
        self.error: LoadTestError | None = None  # what ended the run before its time
        self._probes: set[str] = set()  # of a search, which judges them itself
        self._is_interrupted = False

    def interrupt(self) -> None:
        """Ends the run soon; its result then holds what was measured."""
        self._is_interrupted = True
        self._generators.stop()

    def conduct(self) -> Run:
        """Runs it all."""
        plan, scenario = self._plan, self._plan.scenario
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        work = Work(seed=str(scenario.seed), corpus=scenario.corpus, mix=scenario.mix)
        facts = dict(self._generators.set_up(plan.target, work))
        if plan.metrics_url:
            facts |= settings(plan.metrics_url)
        try:
            phases = self._with_rates(scenario)
            for repeat in range(scenario.repeats):
                for phase in phases:
                    self._measure(phase, repeat)
            if scenario.search is not None:
                self._search()
        except Interrupted:
            self._progress.tell("interrupted: writing what was measured")
        except LoadTestError as error:
            if not self._found:
                raise
            self.error = error
            self._progress.tell("ended early: writing what was measured")
        found = tuple(pool_repeats(repeats) for repeats in self._found.values())
        seed = work.seed
        return Run(
            title=plan.title,
            scenario=plan.name,
            started_at=started_at,
            target=plan.target.address,
            complete=not self._ended_early,
            phases=found,
            verdicts=self._judge(found),
            highest_rate=self._highest,
            recipe=describe_run(scenario, plan.target, self._generators.size, seed, facts)
            | dict(plan.notes),
            notes=tuple(self._remarks()),
        )

    def _with_rates(self, scenario: Scenario) -> tuple[Phase, ...]:
        """Gives the phases with their rates, which a probe may have to find first."""
        if not scenario.needs_probe:
            return scenario.phases
        probe = scenario.probe
        for attempt in range(probe.attempts):
            self._found.clear()  # of an attempt that told nothing
            found = self._measure(probe.phase(attempt))
            if found.throughput * found.seconds >= probe.least_calls:
                break
        if not found.throughput:
            how = ", ".join(f"{count} {status}" for status, count in found.statuses.items())
            raise LoadTestError(
                Exit.BROKEN,
                f"the probe was served no call within {found.seconds:g} s ({how or 'none ended'}),"
                " so that no rate can be chosen: give the phases a `rate`, or the probe more time"
                " (--set probe.seconds=60)",
            )
        self._capacity = found.throughput
        return tuple(phase.at_capacity(found.throughput) for phase in scenario.phases)

    def _measure(self, phase: Phase, repeat: int = 0) -> Found:
        if self._is_interrupted:
            raise Interrupted
        repeats = self._plan.scenario.repeats
        self._progress.begin(phase, f" ({repeat + 1} of {repeats})" if repeats > 1 else "")
        before, processor = self._scrape()
        if self._is_interrupted:  # meanwhile
            raise Interrupted
        start_s = time.monotonic() - self._origin + LEAD_S
        longest_s = max(entry.deadline_s for entry in self._plan.scenario.mix)
        parts = self._generators.run(self._number, phase, start_s, longest_s)
        self._number += 1
        recorder = PhaseRecorder(phase.name, phase.model, phase.level, phase.warm_up_s, start_s)
        for part in parts:
            recorder.merge(part["recorded"])
        end_s = max(part["end_s"] for part in parts)
        after, processor_after = self._scrape()
        found = replace(
            recorder.result(end_s, compare(before, after)),
            processor=use_between(processor, processor_after),
            judged=phase.judged,
        )
        ended_early = any(part["ended_early"] for part in parts)
        # A phase to which nobody came is kept, for its gates to fail; not one that was cut short.
        if found.seconds > 0 and (found.offered or not ended_early):
            self._found.setdefault(phase.name, []).append(found)
            self._progress.end(found)
            for sentence in disturbances([found]):
                self._progress.tell(f"  {sentence}")
        if ended_early:
            raise Interrupted
        return found

    def _search(self) -> None:
        """Looks for the highest rate, then measures at parts of it."""
        table = self._plan.scenario.search
        assert table is not None

        def keeps(rate: float) -> bool:
            for _ in range(table.attempts):
                found, kept = self._try(table.probe(rate))
                if kept:
                    self._kept.append(rate)
                if kept or is_far_off(self._slo, found):
                    return kept
            return False

        def keeps_for_longer(rate: float) -> bool:
            return self._try(table.longer_probe(rate))[1]

        self._highest = confirm(table, find_highest(table, keeps), keeps_for_longer)
        if self._highest is None:
            return
        for repeat in range(self._plan.scenario.repeats):
            for part in table.then:
                self._measure(table.part(part, self._highest), repeat)

    def _try(self, probe: Phase) -> tuple[Found, bool]:
        self._probes.add(probe.name)
        found = self._measure(probe)
        kept = all(verdict.passed for verdict in judge(self._slo, [found]))
        self._progress.tell(f"  {probe.rate:g} a second {'keeps' if kept else 'breaks'} the gates")
        return found, kept

    def _judge(self, phases: Sequence[Found]) -> tuple[Verdict, ...]:
        judged = [phase for phase in phases if phase.judged and phase.name not in self._probes]
        own = {phase.name: phase.slo for phase in self._plan.scenario.phases if phase.slo}
        verdicts = judge(self._slo, [phase for phase in judged if phase.name not in own])
        for phase in judged:
            verdicts += judge(own.get(phase.name, {}), [phase])
        table = self._plan.scenario.search
        if table is None or (self._ended_early and self._highest is None):
            return verdicts
        rate = Verdict(
            gate=f"highest_rate >= {table.lowest:g}",
            phase="search",
            found=self._highest or 0.0,
            passed=self._highest is not None,
        )
        return (rate, *verdicts)

    def _remarks(self) -> Iterator[str]:
        if self.error is not None:
            yield f"What ended it: {self.error}."
        if self._capacity is not None:
            probe = self._plan.scenario.probe
            yield (
                f"The rates are parts of {self._capacity:.3g} calls a second, which a probe found:"
                f" {probe.users} users, each of whom asked again as soon as it was answered."
            )
        table = self._plan.scenario.search
        if table is None:
            return
        if self._highest == table.highest:
            yield f"The search ended at its highest rate, {table.highest:g} a second."
        if self._highest is None and self._kept:
            yield f"The search had not ended; {max(self._kept):g} a second kept the gates."

    @property
    def _ended_early(self) -> bool:
        return self._is_interrupted or self.error is not None

    def _scrape(self) -> tuple[Mapping[str, float] | None, Reading | None]:
        totals = scrape(self._plan.metrics_url) if self._plan.metrics_url else None
        return totals, read_processor(totals)


def _objective(scenario: Scenario) -> Mapping[str, float]:
    """Adds to that of a search what it must not be silent on.

    A server that refuses at once is quick: by percentiles alone it would keep any rate.
    """
    if scenario.search is None:
        return scenario.slo
    return {"error_rate": _TOLERATED, "dropped_rate": _TOLERATED, **scenario.slo}


_TOLERATED = 0.01
"""A p99 says nothing of the worst hundredth either."""
