"""Carries a scenario through with a fleet of generators."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from loadtest.conduct.plan import Plan
from loadtest.conduct.progress import Progress
from loadtest.conduct.recipe import describe_run
from loadtest.conduct.search import find_highest
from loadtest.conduct.server_side import compare, scrape
from loadtest.engine.generator import LEAD_S
from loadtest.measure.gates import judge
from loadtest.measure.recorder import PhaseRecorder
from loadtest.measure.repeats import pool_repeats
from loadtest.orders import Target, Work
from loadtest.results import Phase as Found
from loadtest.results import Run, Verdict
from loadtest.scenario import Phase


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
        self._unjudged = {phase.name for phase in plan.scenario.phases if not phase.judged}
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
        facts = self._generators.set_up(plan.target, work)
        try:
            for repeat in range(scenario.repeats):
                for phase in scenario.phases:
                    self._measure(phase, repeat)
            if scenario.search is not None:
                self._search()
        except Interrupted:
            self._progress.tell("interrupted: writing what was measured")
        phases = tuple(pool_repeats(repeats) for repeats in self._found.values())
        seed = work.seed
        return Run(
            title=plan.title,
            scenario=plan.name,
            started_at=started_at,
            target=plan.target.address,
            complete=not self._is_interrupted,
            phases=phases,
            verdicts=self._judge(phases),
            highest_rate=self._highest,
            recipe=describe_run(scenario, plan.target, self._generators.size, seed, facts)
            | dict(plan.notes),
            notes=tuple(self._remarks(phases)),
        )

    def _measure(self, phase: Phase, repeat: int = 0) -> Found:
        if self._is_interrupted:
            raise Interrupted
        repeats = self._plan.scenario.repeats
        self._progress.begin(phase, f" ({repeat + 1} of {repeats})" if repeats > 1 else "")
        before = self._scrape()
        start_s = time.monotonic() - self._origin + LEAD_S
        longest_s = max(entry.deadline_s for entry in self._plan.scenario.mix)
        parts = self._generators.run(self._number, phase, start_s, longest_s)
        self._number += 1
        recorder = PhaseRecorder(phase.name, phase.model, phase.level, phase.warm_up_s, start_s)
        for part in parts:
            recorder.merge(part["recorded"])
        end_s = max(part["end_s"] for part in parts)
        found = recorder.result(end_s, compare(before, self._scrape()))
        if found.seconds > 0 and found.offered:
            self._found.setdefault(phase.name, []).append(found)
            self._progress.end(found)
        if any(part["ended_early"] for part in parts):
            raise Interrupted
        return found

    def _search(self) -> None:
        """Looks for the highest rate, then measures at parts of it."""
        table, slo = self._plan.scenario.search, self._plan.scenario.slo
        assert table is not None

        def keeps(rate: float) -> bool:
            phase = table.probe(f"probe {rate:g}/s", rate, table.seconds)
            self._unjudged.add(phase.name)
            kept = all(verdict.passed for verdict in judge(slo, [self._measure(phase)]))
            self._progress.tell(f"  {rate:g} a second {'keeps' if kept else 'breaks'} the gates")
            return kept

        self._highest = find_highest(table, keeps)
        if self._highest is None:
            return
        for repeat in range(self._plan.scenario.repeats):
            for part in table.then:
                rate = float(f"{part * self._highest:.3g}")
                name = f"{100 * part:g} % of {self._highest:g}/s"
                self._measure(table.probe(name, rate, table.then_seconds), repeat)

    def _judge(self, phases: Sequence[Found]) -> tuple[Verdict, ...]:
        slo = self._plan.scenario.slo
        judged = [phase for phase in phases if phase.name not in self._unjudged]
        verdicts = judge(slo, judged) if judged else ()
        table = self._plan.scenario.search
        if table is None or (self._is_interrupted and self._highest is None):
            return verdicts
        rate = Verdict(
            gate=f"highest_rate >= {table.lowest:g}",
            phase="search",
            found=self._highest,
            passed=self._highest is not None,
        )
        return (rate, *verdicts)

    def _remarks(self, phases: Sequence[Found]) -> list[str]:
        remarks = [
            f"{phase.name}: the generator itself was late by {lag.p99:.0f} ms at p99;"
            " use more --processes or a machine of its own"
            for phase in phases
            if (lag := phase.distributions.get("send lag")) and lag.p99 > _LATE_MS
        ]
        table = self._plan.scenario.search
        if table is not None and self._highest == table.highest:
            remarks.append(f"the search ended at its highest rate, {table.highest:g} a second")
        return remarks

    def _scrape(self) -> Mapping[str, float] | None:
        return scrape(self._plan.metrics_url) if self._plan.metrics_url else None


_LATE_MS = 20.0
"""More than this is worth a remark: latency counts from when a call was due."""
