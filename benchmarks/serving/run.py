"""The whole measurement: contender by contender, the generator's cost, and the cross-check."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.cpu.environment import peers_python
from benchmarks.cpu.models import MakeError, Models
from benchmarks.recipe import recipe
from benchmarks.serving import contenders
from benchmarks.serving.capacity import QUICK, Durations, measure_capacity
from benchmarks.serving.contenders import Contender, Servers
from benchmarks.serving.crosscheck import Check, cross_check
from benchmarks.serving.documents import COUNT, TOKENS, write_documents
from benchmarks.serving.generator_cost import CostSettings, measure_cost
from benchmarks.serving.h2load import h2load_version
from benchmarks.serving.load import LoadFailed
from benchmarks.serving.plot import plot_serving
from benchmarks.serving.processes import ServerFailed
from benchmarks.serving.report import serving_tables
from benchmarks.serving.tools import ToolFailed

PARTS = ("contenders", "generator", "crosscheck")
SEED = 2026
_MODELS = Path("build/cpu")
_FAILURES = (ServerFailed, LoadFailed, ToolFailed)
_FULL_CHECK_S, _QUICK_CHECK_S = 20.0, 6.0
_QUIET_LOAD = 0.5
# Of the highest rate, for the open loop of the cross-check; without one, so many a second.
_CHECKED_SHARE, _CHECKED_RATE = 0.5, 4.0


@dataclass(frozen=True)
class Settings:
    """What is measured, for how long, and where it is kept."""

    home: Path
    threads: int
    durations: Durations
    cost: CostSettings
    check_s: float
    check_rounds: int
    chosen: Sequence[Contender]
    parts: Sequence[str] = PARTS
    # What an earlier run of the same settings and commit found is taken over.
    resumes: bool = True


def make_settings(
    *,
    quick: bool,
    home: Path,
    threads: int,
    only: Sequence[str],
    parts: Sequence[str],
    time_factor: float,
    resumes: bool,
) -> Settings:
    """Full or quick; `only` are words in the names of contenders, none of which is all."""
    everybody = contenders.QUICK if quick else contenders.CONTENDERS
    chosen = [one for one in everybody if not only or any(w in _name(one) for w in only)]
    if not chosen:
        raise SystemExit(
            f"no contender has {' or '.join(map(repr, only))} in its name; there are: "
            f"{'; '.join(map(_name, everybody))}"
        )
    return Settings(
        home=home,
        threads=threads,
        durations=(QUICK if quick else Durations()).scaled(time_factor),
        cost=CostSettings(seconds=3, warm_up_s=1, rounds=1) if quick else CostSettings(),
        check_s=time_factor * (_QUICK_CHECK_S if quick else _FULL_CHECK_S),
        check_rounds=1 if quick else 2,
        chosen=chosen,
        parts=parts or PARTS,
        resumes=resumes,
    )


class Serving:
    """Measures part by part and keeps each as soon as it is there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers = Servers(Models(_MODELS, peers_python), peers_python, settings.threads)
        self._documents = settings.home / "documents"
        self._recipe = recipe(
            threads=settings.threads,
            documents=f"{COUNT} of {TOKENS} tokens, English and Chinese",
            arrivals="Poisson",
            seed=SEED,
            placement="server and generator share all cores",
            **_peers_versions(),
        )

    def run(self) -> tuple[dict[str, Any], str]:
        """Gives the whole report and its tables; both and a plot are in the home folder too."""
        settings = self._settings
        load = round(os.getloadavg()[0], 1)
        if load > _QUIET_LOAD:
            _say(f"the machine is busy (load {load}): expect noise")
        write_documents(self._servers.bundle(contenders.CONTENDERS[0]), self._documents)
        report: dict[str, Any] = {
            "recipe": self._recipe | {"load_before": load},
            "durations": asdict(settings.durations),
            "contenders": [],
            "absent": {},
            "generator": None,
            "crosscheck": None,
        }
        if "contenders" in settings.parts:
            self._add_contenders(report)
        checks = self._checks(report)
        for part, told, measure in (
            ("generator", asdict(settings.cost), self._generator),
            (
                "crosscheck",
                [list(map(asdict, checks)), settings.check_rounds],
                lambda: self._crosscheck(checks),
            ),
        ):
            if part in settings.parts:
                try:
                    report[part] = self._kept(part, told, measure)
                except _FAILURES as error:
                    report["absent"][part] = str(error)
        return report, self._write(report)

    def _add_contenders(self, report: dict[str, Any]) -> None:
        for one in self._settings.chosen:
            try:
                self._servers.prepare(one)
            except MakeError as error:
                report["absent"][_name(one)] = str(error)
        for one in self._settings.chosen:
            if _name(one) in report["absent"]:
                continue
            if one.engines > self._settings.threads:
                report["absent"][_name(one)] = f"needs {one.engines} threads"
                continue
            told = asdict(self._settings.durations)
            try:
                found = self._kept(_slug(one), told, lambda one=one: self._contender(one))
                report["contenders"].append(found)
            except _FAILURES as error:
                report["absent"][_name(one)] = str(error)

    def _contender(self, one: Contender) -> dict[str, Any]:
        folder = self._settings.home / "runs" / _slug(one)
        with self._servers.start(one) as port:
            found = measure_capacity(port, self._documents, folder, self._settings.durations, SEED)
        return {"of": one.model, "server": one.name} | found

    def _generator(self) -> dict[str, Any]:
        return measure_cost(self._documents, self._settings.home / "runs", self._settings.cost)

    def _checks(self, report: dict[str, Any]) -> Sequence[Check]:
        """At a rate that the server of the cross-check can take, if that is known."""
        checked, seconds = contenders.CONTENDERS[0], self._settings.check_s
        highest = next(
            (
                one["highest_rate"]
                for one in report["contenders"]
                if (one["of"], one["server"]) == (checked.model, checked.name)
            ),
            None,
        )
        rate = max(1, round(_CHECKED_SHARE * highest)) if highest else _CHECKED_RATE
        return [
            Check(f"one document, {rate:g} a second, evenly", seconds, rate=rate),
            Check("one document, 4 users", seconds, users=4),
        ]

    def _crosscheck(self, checks: Sequence[Check]) -> list[dict[str, Any]]:
        with suppress(ToolFailed):  # told when it is to take its turn
            _k6()
        with self._servers.start(contenders.CONTENDERS[0]) as port:
            return cross_check(
                port,
                self._documents,
                self._settings.home / "runs" / "crosscheck",
                checks,
                k6=_k6,
                rounds=self._settings.check_rounds,
            )

    def _kept(self, name: str, settings: Any, measure: Callable[[], Any]) -> Any:
        """Takes what a run of the same settings found, else measures and keeps it."""
        file = self._settings.home / "kept" / f"{name}.json"
        stamp = json.dumps([settings, self._recipe], sort_keys=True)
        if self._settings.resumes and file.is_file():
            kept = json.loads(file.read_text("utf-8"))
            if kept["stamp"] == stamp:
                _say(f"{name}: kept from before")
                return kept["found"]
        _say(f"{name} ...")
        found = measure()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"stamp": stamp, "found": found}, indent=1), "utf-8")
        return found

    def _write(self, report: dict[str, Any]) -> str:
        home = self._settings.home
        tables = serving_tables(report)
        told = ", ".join(f"{name} {value}" for name, value in report["recipe"].items())
        (home / "serving.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        (home / "serving.md").write_text(f"{tables}\n\nRecipe: {told}.\n", "utf-8")
        if report["contenders"]:
            plot_serving(report, home / "serving.svg")
        _say(f"written: {home}/serving.json, .md and .svg")
        return tables


def run_serving(settings: Settings) -> tuple[dict[str, Any], str]:
    """Measures what is asked for."""
    return Serving(settings).run()


def _k6() -> Path:
    try:
        return peers_python().with_name("k6")
    except subprocess.CalledProcessError as error:
        raise ToolFailed(f"the peers' environment could not be made: {error}") from None


def _name(contender: Contender) -> str:
    return f"{contender.model}: {contender.name}"


def _slug(contender: Contender) -> str:
    return _name(contender).replace(":", "").replace(",", "").replace(" ", "-")


def _peers_versions() -> dict[str, str]:
    """What the peers' requirements say, which is what their environment holds."""
    lines = Path("requirements/peers.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    versions = {name: version for name, version in pairs if name in ("ctranslate2", "k6")}
    return versions | {"h2load": h2load_version()}


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")
