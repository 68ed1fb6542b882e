"""Contenders of one stage: started together, asked in turn, and let go together."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from benchmarks.gpu.case import Case, Stage
from benchmarks.gpu.contender import Contender, ContenderError
from benchmarks.gpu.deadline import Deadline
from benchmarks.gpu.documents import Documents
from benchmarks.gpu.entries import ENTRIES, Entry
from benchmarks.gpu.geometry import GEOMETRIES
from benchmarks.gpu.journal import Journal
from benchmarks.gpu.protocol import Job
from benchmarks.peers.protocol import Tokens


class Worker(Protocol):
    """What is asked: a Contender."""

    def ask(self, job: Mapping[str, Any], within: Deadline) -> dict[str, Any]:
        """Gives it a turn."""

    def hear(self, within: Deadline) -> dict[str, Any]:
        """Says what it has to say."""

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked again."""

    def close(self) -> None:
        """Lets it go."""


_SHORT_TURNS = 2

Starter = Callable[[Entry, int], Worker]


def starter(bundle: Path, checkpoint: Path, device: str, environment: Mapping[str, str]) -> Starter:
    """Starts workers on one model."""

    def start(entry: Entry, rows: int) -> Contender:
        model = bundle if entry.takes_bundle else checkpoint
        arguments = [str(model), "--device", device, "--rows", str(rows)]
        arguments += ["--options", json.dumps(entry.options)]
        return Contender(entry.module, arguments, environment)

    return start


@contextmanager
def started(
    stage: Stage, start: Starter, journal: Journal, within: Deadline
) -> Iterator[dict[str, Worker]]:
    """The stage's contenders by name, as many of them as came up; entries may share a worker."""
    began_s = within.left_s
    rows = max(case.batch for case in stage.cases)
    workers: dict[object, Worker] = {}
    for name in stage.contenders:
        if ENTRIES[name].worker not in workers:
            workers[ENTRIES[name].worker] = start(ENTRIES[name], rows)
    ready: dict[str, Worker] = {}
    heard: dict[object, dict[str, Any] | ContenderError] = {}
    try:
        for name in stage.contenders:
            key = ENTRIES[name].worker
            if key not in heard:
                heard[key] = _heard(workers[key], within)
            facts = heard[key]
            if isinstance(facts, ContenderError):
                journal.write("absent", stage=stage.name, contender=name, why=str(facts))
                continue
            ready[name] = workers[key]
            seconds = began_s - within.left_s
            journal.write("ready", stage=stage.name, contender=name, seconds=seconds, **facts)
        yield ready
    finally:
        for worker in workers.values():
            worker.close()


def take_turns(
    case: Case,
    documents: Documents,
    workers: Mapping[str, Worker],
    journal: Journal,
    within: Deadline,
    *,
    floor_bytes: float,
) -> None:
    """A B, A B, ..., so that whatever the machine does meets all alike; the first ones warm up.

    Who fails is out of the case; the others go on.
    """
    still_in = dict(workers)
    written: dict[str, Tokens] = {}

    def turn(name: str, kind: str, tokens: int) -> None:
        if not within.left_s:
            journal.write("not run", case=case.name, contender=name, what=kind)
            return
        try:
            answer = still_in[name].ask(_job(case, documents, name, tokens), within)
        except ContenderError as error:
            journal.write("absent", case=case.name, contender=name, why=str(error))
            del still_in[name]
            return
        summaries = answer.pop("summaries")
        if kind == "turn":
            written[name] = summaries
            answer |= {"documents": len(documents.ids), "floor_bytes": floor_bytes}
        journal.write(kind, case=case.name, contender=name, **answer)

    def rounds(kind: str, tokens: int, wanted: Callable[[Entry], int]) -> None:
        for number in range(max(wanted(ENTRIES[name]) for name in workers)):
            for name in [name for name in still_in if number < wanted(ENTRIES[name])]:
                turn(name, kind, tokens)

    rounds("warm-up", case.max_tokens, lambda entry: entry.warm_ups)
    rounds("turn", case.max_tokens, lambda entry: case.repeats)
    if case.short_tokens:
        shorts = min(case.repeats, _SHORT_TURNS)
        rounds("short turn", case.short_tokens, lambda entry: shorts * entry.tells_steps)
    _compare(case, written, journal)


def _job(case: Case, documents: Documents, name: str, tokens: int) -> dict[str, Any]:
    job = Job(
        documents=documents.ids,
        texts=documents.texts,
        batch=case.batch,
        max_tokens=tokens,
        min_tokens=tokens if case.forced else 0,
        beams=case.beams,
        no_repeat_ngram_size=case.no_repeat_ngram_size,
        banned_ids=documents.banned_ids,
    )
    return {**asdict(job), **ENTRIES[name].job}


def _compare(case: Case, written: Mapping[str, Tokens], journal: Journal) -> None:
    """Says how far each agrees with the first: half-precision near-ties part their ways."""
    (first, *others) = written or [""]
    for other in others:
        same_model = ENTRIES[first].takes_bundle == ENTRIES[other].takes_bundle
        if not (same_model or GEOMETRIES[case.geometry].is_whole_for_others):
            continue
        if written[first] and written[other]:
            counts = agreement(written[first], written[other])
            journal.write("agreement", case=case.name, contender=other, beside=first, **counts)


def agreement(ours: Tokens, theirs: Tokens) -> dict[str, int]:
    """Summaries that are equal, and tokens before the first difference of each."""
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "equal": sum(a == b for a, b in pairs),
        "of": len(pairs),
        "tokens_before_difference": sum(_common(a, b) for a, b in pairs),
        "tokens": sum(len(a) for a, _ in pairs),
    }


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    same = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        same += 1
    return same


def _heard(worker: Worker, within: Deadline) -> dict[str, Any] | ContenderError:
    try:
        return worker.hear(within)
    except ContenderError as error:
        return error
