"""Contenders take turns: A B C, A B C, ..., so that whatever the machine does meets all alike."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.cpu.case import Case
from benchmarks.cpu.contender import ENTRIES, Answer, Contender, ContenderError, Contenders
from benchmarks.cpu.documents import make_documents, read_reader
from benchmarks.cpu.estimate import round_s, turn_s
from benchmarks.cpu.models import GEOMETRIES, MakeError, Models
from benchmarks.peers.protocol import Job, Tokens
from bundle.manifest import read_manifest
from model.progress import ProgressBar

# Whose manifest says how documents begin and end, and what is never written.
_READ_FROM = "ours-int8"
_WARM_UP_DOCUMENTS, _WARM_UP_TOKENS = 8, 4


@dataclass
class Result:
    """A case, and each contender's answers in the order of the rounds."""

    case: Case
    source_lengths: list[int]
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    # Those that could not take part, and why.
    absent: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """How a tour is run."""

    repeats: int
    threads: int


class Tour:
    """Runs cases; models and the peers' environment are made when they are first needed."""

    def __init__(
        self, settings: Settings, models: Models, peers_python: Callable[[], Path]
    ) -> None:
        self._settings = settings
        self._models = models
        self._peers_python = peers_python
        self.versions: dict[str, str] = {}

    def run(self, chosen: Sequence[Case]) -> Iterator[Result]:
        """Results in the order of the cases, which are best sorted by geometry."""
        # All is made before anything is measured.
        for case in chosen:
            self._models.path(case.geometry, _READ_FROM)
            for name in case.contenders:
                with suppress(MakeError):  # told when it is to start
                    self._models.path(case.geometry, ENTRIES[name].form)
        total_s = self._settings.repeats * sum(map(round_s, chosen))
        sys.stderr.write(f"{len(chosen)} cases, about {total_s / 60:.1f} minutes\n")
        with ProgressBar(
            total=total_s, bar_format="{l_bar}{bar}| {elapsed}, {remaining} left"
        ) as bar:
            for geometry, group in groupby(chosen, key=lambda case: case.geometry):
                bundle = self._models.path(geometry, _READ_FROM)
                reader = read_reader(bundle, reads_text=GEOMETRIES[geometry].reads_text)
                banned = read_manifest(bundle).special_tokens.never_emitted_ids
                with Contenders(partial(self._start, geometry)) as contenders:
                    for case in group:
                        bar.set_description(case.name)
                        documents = make_documents(case.documents, case.count, reader)
                        yield self._run(_job(case, documents, banned), case, contenders, bar)

    def _run(self, job: Job, case: Case, contenders: Contenders, bar: Any) -> Result:
        result = Result(case, [len(document) for document in job.documents])
        if not case.measures_memory:
            for name in case.contenders:
                self._turn(result, name, _warm_up(job), contenders)
        for name in case.contenders * self._settings.repeats:
            answer = self._turn(result, name, job, contenders)
            if answer is not None:
                result.answers.setdefault(name, []).append(answer)
            # Sums of fractions may end a hair above their total, which tqdm would complain about.
            bar.update(min(turn_s(case, name), bar.total - bar.n))
        return result

    def _turn(self, result: Result, name: str, job: Job, contenders: Contenders) -> Answer | None:
        if name in result.absent:
            return None
        try:
            if result.case.measures_memory:
                return self._lifetime(result.case.geometry, name, job)
            return contenders.ask(name, job)
        except (ContenderError, MakeError) as error:
            result.absent[name] = str(error)
            return None

    def _lifetime(self, geometry: str, name: str, job: Job) -> Answer:
        """In a process of its own, whose peak is that of its whole life."""
        contender = self._start(geometry, name)
        try:
            answer = contender.ask(job)
        finally:
            contender.close()
        return replace(answer, peak_bytes=max(answer.peak_bytes, contender.load_peak_bytes))

    def _start(self, geometry: str, name: str) -> Contender:
        entry = ENTRIES[name]
        model = self._models.path(geometry, entry.form)
        python = self._peers_python() if entry.is_peer else Path(sys.executable)
        contender = Contender(entry, model, python, threads=self._settings.threads)
        self.versions |= contender.versions
        return contender


def _job(case: Case, documents: Tokens, banned_ids: Sequence[int]) -> Job:
    return Job(
        documents=documents,
        batch=case.batch,
        max_tokens=case.max_tokens,
        min_tokens=case.max_tokens if case.forced else 0,
        beams=case.beams,
        no_repeat_ngram_size=case.no_repeat_ngram_size,
        banned_ids=tuple(banned_ids),
    )


def _warm_up(job: Job) -> Job:
    """What is only done once, such as taking memory, is done before the turns that count."""
    documents = job.documents[:_WARM_UP_DOCUMENTS]
    tokens = min(_WARM_UP_TOKENS, job.max_tokens)
    return replace(job, documents=documents, max_tokens=tokens, min_tokens=tokens)
