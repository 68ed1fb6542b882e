"""The comparison on a GPU, without one: what is run in which order, and what figures mean."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main
from benchmarks.gpu import cases
from benchmarks.gpu.case import Case, Goal, Measure, Stage
from benchmarks.gpu.cases import full_tour, rehearsal
from benchmarks.gpu.contender import ContenderError
from benchmarks.gpu.deadline import Deadline
from benchmarks.gpu.documents import Documents, make_documents
from benchmarks.gpu.entries import ENTRIES, Entry
from benchmarks.gpu.geometry import GEOMETRIES
from benchmarks.gpu.journal import Journal, read_journal
from benchmarks.gpu.libraries import library_environment
from benchmarks.gpu.run import choose
from benchmarks.gpu.summary import summarise
from benchmarks.gpu.table import tables
from benchmarks.gpu.turns import agreement, started, take_turns

BUNDLE = Path("models/default/bundle-cpu-int8")
CASE = Case(
    geometry=cases.TINY,
    batch=2,
    documents="40",
    max_tokens=8,
    repeats=2,
    goals=(
        Goal(Measure.TOKENS, cases.OURS, 10),
        Goal(Measure.TOKENS, cases.OURS, 4, (cases.HUGGING_FACE, cases.STATIC)),
    ),
)
STAGE = Stage(
    geometry=cases.TINY,
    contenders=(cases.OURS, cases.UNDRAFTED, cases.HUGGING_FACE),
    cases=(CASE,),
)
DOCUMENTS = Documents(["ab", "cd"], [[1, 2], [3, 4]], [0])


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Scripted:
    """A worker that takes a second a turn, or fails."""

    def __init__(self, clock: Clock, name: str, log: list[str], *, fails_at: int = 99) -> None:
        self._clock, self._name, self._log, self._fails_at = clock, name, log, fails_at
        self.is_alive = True
        self.is_closed = False
        self.jobs: list[Mapping[str, Any]] = []

    def hear(self, within: Deadline) -> dict[str, Any]:
        if self._fails_at < 0:
            raise ContenderError("no such library")
        return {"load_s": 1.0, "used_bytes": 5, "versions": {self._name: "1"}}

    def ask(self, job: Mapping[str, Any], within: Deadline) -> dict[str, Any]:
        self._log.append(self._name)
        self.jobs.append(job)
        self._clock.now_s += 1
        if len(self.jobs) > self._fails_at:
            raise ContenderError("out of memory")
        tokens = [[7] * job["max_tokens"] for _ in job["documents"]]
        seconds = 0.5 + job["max_tokens"] / 8
        details: dict[str, float] = {}
        return {
            "seconds": seconds,
            "tokens": sum(map(len, tokens)),
            "summaries": tokens,
            "details": details,
            "used_bytes": 5_000_000_000,
        }

    def close(self) -> None:
        self.is_closed = True


def kinds(journal: Journal, kind: str) -> list[dict[str, Any]]:
    return [record for record in journal.records if record["kind"] == kind]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "run.jsonl")


@pytest.fixture
def clock() -> Clock:
    return Clock()


# What is run


@pytest.mark.parametrize("tour", [full_tour(), rehearsal()])
def test_every_stage_can_be_started_and_no_two_cases_share_a_name(tour: list[Stage]) -> None:
    every = {case for stage in tour for case in stage.cases}
    assert len({case.name for case in every}) == len(every)
    for stage in tour:
        assert stage.geometry in GEOMETRIES
        assert set(stage.contenders) <= ENTRIES.keys()
        assert all(case.geometry == stage.geometry for case in stage.cases)


def test_all_that_is_to_be_shown_is_asked_of_somebody_who_comes_up() -> None:
    tour = full_tour()
    asked = {(case, name) for stage in tour for case in stage.cases for name in stage.contenders}
    for case in {case for case, _ in asked}:
        for goal in case.goals:
            assert (case, goal.contender) in asked
            assert not goal.over or any((case, name) in asked for name in goal.over)


def test_what_has_a_goal_of_its_own_comes_before_what_only_rounds_off_the_picture() -> None:
    firsts: dict[Case, int] = {}
    for index, stage in enumerate(full_tour()):
        for case in stage.cases:
            firsts.setdefault(case, index)
    with_goals = [index for case, index in firsts.items() if case.goals]
    without = [index for case, index in firsts.items() if not case.goals]
    assert max(with_goals) <= min(without)


def test_a_rehearsal_has_every_contender_and_every_kind_of_case() -> None:
    real, rehearsed = full_tour(), rehearsal()
    assert {n for s in real for n in s.contenders} == {n for s in rehearsed for n in s.contenders}
    assert {c.beams for s in rehearsed for c in s.cases} == {1, 4}
    assert {c.forced for s in rehearsed for c in s.cases} == {True, False}


def test_stages_are_chosen_by_the_names_of_their_cases_and_contenders() -> None:
    (stage,) = choose(full_tour(), ["4 beams"], [cases.OURS])
    assert stage.contenders == (cases.OURS,)
    assert [case.beams for case in stage.cases] == [4]
    assert choose(full_tour(), ["no such case"], []) == []


def test_a_part_of_the_time_ends_with_the_whole_at_the_latest(clock: Clock) -> None:
    whole = Deadline(10, clock)
    clock.now_s = 4
    assert whole.part(3).left_s == 3
    late = whole.part(60)
    clock.now_s = 20
    assert (late.left_s, whole.left_s, whole.part(5).left_s) == (0, 0, 0)


# Turns


def test_contenders_take_turns_after_a_warm_up_each(journal: Journal, clock: Clock) -> None:
    log: list[str] = []
    workers = {name: Scripted(clock, name, log) for name in (cases.OURS, cases.HUGGING_FACE)}
    take_turns(CASE, DOCUMENTS, workers, journal, Deadline(99, clock), floor_bytes=6)
    warm_ups = [cases.OURS, cases.HUGGING_FACE, cases.OURS, cases.OURS]
    assert log == [*warm_ups, *[cases.OURS, cases.HUGGING_FACE] * 4]
    told = [record["kind"] for record in journal.records if record["contender"] == cases.OURS]
    assert told == ["warm-up"] * 3 + ["turn"] * 2 + ["short turn"] * 2
    assert [job["max_tokens"] for job in workers[cases.OURS].jobs] == [8, 8, 8, 8, 8, 4, 4]
    assert all(job["min_tokens"] == job["max_tokens"] for job in workers[cases.OURS].jobs)


def test_who_fails_is_out_of_the_case_and_the_others_go_on(journal: Journal, clock: Clock) -> None:
    log: list[str] = []
    workers = {
        cases.OURS: Scripted(clock, "ours", log, fails_at=1),
        cases.HUGGING_FACE: Scripted(clock, "theirs", log),
    }
    take_turns(CASE, DOCUMENTS, workers, journal, Deadline(99, clock), floor_bytes=6)
    assert log.count("ours") == 2
    assert log.count("theirs") == 1 + 2 + 2
    (absent,) = kinds(journal, "absent")
    assert (absent["contender"], absent["why"]) == (cases.OURS, "out of memory")


def test_nobody_is_asked_once_the_time_is_over(journal: Journal, clock: Clock) -> None:
    log: list[str] = []
    workers = {name: Scripted(clock, name, log) for name in (cases.OURS, cases.HUGGING_FACE)}
    take_turns(CASE, DOCUMENTS, workers, journal, Deadline(5, clock), floor_bytes=6)
    assert len(log) == 5
    assert [record["what"] for record in kinds(journal, "not run")][:2] == ["turn", "turn"]


def test_entries_of_one_worker_share_a_process_with_jobs_of_their_own(
    journal: Journal, clock: Clock
) -> None:
    made: list[Scripted] = []

    def start(entry: Entry, rows: int) -> Scripted:
        assert rows == CASE.batch
        made.append(Scripted(clock, entry.module, []))
        return made[-1]

    within = Deadline(99, clock)
    with started(STAGE, start, journal, within) as workers:
        assert list(workers) == list(STAGE.contenders)
        take_turns(CASE, DOCUMENTS, workers, journal, within, floor_bytes=6)
    assert len(made) == 2
    assert [job["speculation"] for job in made[0].jobs[:2]] == [True, False]
    assert all(worker.is_closed for worker in made)


def test_who_cannot_start_is_told_of_and_the_others_are_there(
    journal: Journal, clock: Clock
) -> None:
    def start(entry: Entry, rows: int) -> Scripted:
        return Scripted(clock, entry.module, [], fails_at=99 if entry.takes_bundle else -1)

    with started(STAGE, start, journal, Deadline(99, clock)) as workers:
        assert list(workers) == [cases.OURS, cases.UNDRAFTED]
    (absent,) = kinds(journal, "absent")
    assert (absent["contender"], absent["why"]) == (cases.HUGGING_FACE, "no such library")


def test_agreement_counts_what_comes_before_each_first_difference() -> None:
    ours, theirs = [[1, 2, 3], [4, 5]], [[1, 9, 3], [4, 5]]
    assert agreement(ours, theirs) == {
        "equal": 1,
        "of": 2,
        "tokens_before_difference": 3,
        "tokens": 5,
    }


# Figures


def turn(kind: str, name: str, seconds: float, *, tokens: int = 16, **more: Any) -> dict[str, Any]:
    figures = {"seconds": seconds, "tokens": tokens, "documents": 2, "used_bytes": 5e9}
    figures |= {"details": {}, "floor_bytes": 100.0}
    return {"kind": kind, "case": CASE.name, "contender": name, **figures, **more}


def test_a_goal_over_several_is_measured_against_the_best_of_those_that_ran() -> None:
    records = [turn("turn", cases.OURS, 1), turn("turn", cases.HUGGING_FACE, 8)]
    figure, ratio = summarise(records, [STAGE]).verdicts
    assert (figure.got, figure.ratio) == (16, 1.6)
    assert (ratio.beside, ratio.ratio) == (2, 2)
    records.append(turn("turn", cases.STATIC, 2))
    _, ratio = summarise(records, [STAGE]).verdicts
    assert (ratio.beside, ratio.ratio) == (8, 0.5)


def test_a_goal_of_which_a_side_is_missing_was_not_measured() -> None:
    only_theirs, only_ours = turn("turn", cases.STATIC, 2), turn("turn", cases.OURS, 1)
    assert [v.ratio for v in summarise([only_theirs], [STAGE]).verdicts] == [None, None]
    assert [v.ratio for v in summarise([only_ours], [STAGE]).verdicts] == [1.6, None]


def test_a_step_is_what_longer_summaries_cost_more() -> None:
    records = [turn("turn", cases.OURS, 1.0), turn("short turn", cases.OURS, 0.8, tokens=8)]
    figures = summarise(records, [STAGE]).figures[CASE.name, cases.OURS]
    assert figures.step_ms(CASE) == pytest.approx(50)
    # 100 bytes at 10,000 a second are 10 ms of those 50.
    assert figures.share_of_floor(CASE, 10_000) == pytest.approx(0.2)
    assert figures.share_of_floor(CASE, None) is None


def test_a_step_is_unknown_where_longer_summaries_were_no_slower() -> None:
    records = [turn("turn", cases.OURS, 0.7), turn("short turn", cases.OURS, 0.8, tokens=8)]
    figures = summarise(records, [STAGE]).figures[CASE.name, cases.OURS]
    assert figures.step_ms(CASE) is None
    assert figures.share_of_floor(CASE, 10_000) is None


def test_a_step_with_drafts_is_told_by_steps_and_not_by_tokens() -> None:
    records = [
        turn("turn", cases.OURS, 1.0, details={"steps": 5, "decode_s": 0.9}),
        turn("short turn", cases.OURS, 0.8, details={"steps": 3, "decode_s": 0.7}),
    ]
    both = summarise(records, [STAGE]).figures[CASE.name, cases.OURS]
    assert both.step_ms(CASE) == pytest.approx(100)
    alone = summarise(records[:1], [STAGE]).figures[CASE.name, cases.OURS]
    assert alone.step_ms(CASE) == pytest.approx(180)


def test_tables_tell_goals_figures_and_what_did_not_come_about() -> None:
    records = [
        {"kind": "recipe", "GPU": "a card", "torch": "2"},
        {"kind": "copies", "bytes_per_s": 2e12},
        turn("warm-up", cases.OURS, 30),
        turn("turn", cases.OURS, 1),
        {"kind": "absent", "stage": "s", "contender": cases.OPTIMUM, "why": "no such module"},
        {"kind": "not run", "case": CASE.name, "contender": cases.STATIC, "what": "time was over"},
    ]
    text = tables(records, [STAGE])
    assert f"| {CASE.name} | ours: >= 10 tokens/s | 16 |  | 1.60 | yes |" in text
    assert "| ours: >= 4x Hugging Face, Hugging Face, static cache, compiled | 16 |" in text
    assert "not measured" in text
    assert "| 1.000 (1.000 to 1.000) | 30.0 | 16 | 2.0 |" in text
    assert "optimum could not take part in “s”: no such module" in text
    assert "Not run: Hugging Face, static cache, compiled" in text
    assert "copies within the device 2.000 TB/s" in text


def test_nodes_that_run_elsewhere_are_counted_only_where_they_are_known() -> None:
    ready = {"kind": "ready", "stage": "s", "seconds": 2.0, "load_s": 1.0}
    records = [
        {**ready, "contender": "a", "nodes_elsewhere": ["encoder: Shape", "encoder: Range"]},
        {**ready, "contender": "b", "nodes_elsewhere": None},
        {**ready, "contender": "c"},
    ]
    text = tables(records, [STAGE])
    assert "| s | a | 2.0 | 1.0 | 2 |" in text
    assert "| s | b | 2.0 | 1.0 |  |" in text
    assert "| s | c | 2.0 | 1.0 |  |" in text


def test_tables_can_be_made_of_a_run_that_found_nothing() -> None:
    assert "not measured" in tables([], [STAGE])


def test_a_journal_that_was_cut_off_in_a_line_can_still_be_read(journal: Journal) -> None:
    journal.write("turn", case="a", seconds=1.5)
    journal.write("turn", case="b", seconds=2.5)
    text = journal.path.read_text("utf-8")
    journal.path.write_text(text[:-10], "utf-8")
    assert read_journal(journal.path) == journal.records[:1]
    assert json.loads(text.splitlines()[1]) == journal.records[1]


@pytest.mark.parametrize(("device", "geometry"), [("cuda", "BART-large"), ("cpu", "tiny BART")])
def test_the_tables_of_a_run_can_be_printed_again(
    device: str,
    geometry: str,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal.write("recipe", device=device)
    monkeypatch.setattr("sys.argv", ["benchmarks", "gpu", "--table", str(journal.path)])
    assert main() == 0
    assert f"| {geometry}, batch 1, greedy" in capsys.readouterr().out


def test_a_choice_that_names_no_case_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "gpu", "--only", "batch 7,"])
    with pytest.raises(SystemExit, match="no case has batch 7, in it"):
        main()


# Documents and libraries


def test_abstracts_are_english_and_chinese_in_turn_and_begin_again_when_they_are_over() -> None:
    case = replace(CASE, documents="abstracts", batch=2, count=322)
    documents = make_documents(case, BUNDLE)
    assert documents.texts[0].isascii()
    assert not documents.texts[1].isascii()
    assert documents.texts[320:] == documents.texts[:2]
    assert len(documents.ids) == 322
    assert documents.mean_length > 100


def test_every_folder_with_a_library_of_nvidias_packages_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("nvidia/cu13/lib/libcublas.so.13", "nvidia/cudnn/lib/libcudnn.so.9"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    path = library_environment()["LD_LIBRARY_PATH"]
    expected = [f"{tmp_path}/nvidia/cu13/lib", f"{tmp_path}/nvidia/cudnn/lib", "/before"]
    assert path.split(":") == expected
