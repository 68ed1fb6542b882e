"""The comparison on a CPU: who takes turns with whom, what ratios mean, what is written down."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cpu import cases, models
from benchmarks.cpu.case import Case, Goal, Measure
from benchmarks.cpu.cases import TOURS
from benchmarks.cpu.contender import ENTRIES, Answer, Contender, ContenderError, Contenders, Entry
from benchmarks.cpu.documents import Reader, make_documents
from benchmarks.cpu.estimate import round_s
from benchmarks.cpu.joining import WAYS, JoiningSettings, joining_table, measure_joining
from benchmarks.cpu.make import make_headless
from benchmarks.cpu.report import tour_table
from benchmarks.cpu.roofline import Machine, Work, work_of
from benchmarks.cpu.run import choose
from benchmarks.cpu.stall import StallSettings, measure_stall, stall_table
from benchmarks.cpu.steps import StepSettings, measure_steps, steps_table
from benchmarks.cpu.summary import Spread, equal_summaries, ratios, summarise
from benchmarks.cpu.tour import Result
from benchmarks.peers.protocol import Job, batches
from bundle.manifest import read_manifest
from bundle.tokenizer import BundleTokenizer
from model.checkpoints.checkpoint import check_checkpoint
from server.engine.lanes import lanes_for

CHECKPOINT = Path("models/default/checkpoint")
BUNDLE = Path("models/default/bundle-cpu-int8")
CASE = Case(
    geometry=cases.TINY,
    documents="40",
    count=2,
    batch=2,
    contenders=(cases.OURS_INT8, cases.CT2_INT8),
    goals=(Goal(Measure.TOKENS, cases.OURS_INT8, cases.CT2_INT8, 2),),
)
READER = Reader(vocabulary=100, prefix_ids=(5,), suffix_ids=(1,))
READS = replace(READER, tokenizer=BundleTokenizer(CHECKPOINT / "tokenizer.json"))


def answer(seconds: float, *, peak_bytes: int = 1, summaries: list[list[int]] | None = None):
    return Answer(seconds, summaries or [[9, 9], [9, 9]], peak_bytes, peak_bytes, {})


# What is compared


@pytest.mark.parametrize("name", TOURS)
def test_every_case_of_a_tour_can_be_made_and_started(name: str) -> None:
    tour = TOURS[name]()
    assert len({case.name for case in tour}) == len(tour)
    for case in tour:
        assert case.geometry in models.GEOMETRIES
        assert set(case.contenders) <= ENTRIES.keys()
        assert {goal.ours for goal in case.goals} <= set(case.contenders)
        assert {goal.theirs for goal in case.goals} <= set(case.contenders)
        assert round_s(case) > 0


def test_the_full_tour_crosses_every_dimension() -> None:
    tour = TOURS["full"]()
    assert len(tour) == 4 * 4 * 3 * 2 * 2
    assert {case.batch for case in tour} == {1, 8, 32}
    assert {case.beams for case in tour} == {1, 4}


def test_cases_are_chosen_by_name_and_lose_goals_without_their_contenders() -> None:
    (chosen,) = choose([CASE, replace(CASE, batch=1)], ["batch 2"], ["ours"])
    assert chosen.batch == 2
    assert chosen.contenders == (cases.OURS_INT8,)
    assert chosen.goals == ()


def test_cases_of_a_geometry_follow_one_another() -> None:
    other = replace(CASE, geometry=cases.DEFAULT)
    chosen = choose([CASE, other, replace(CASE, batch=1)], [], [])
    assert [case.geometry for case in chosen] == [cases.TINY, cases.TINY, cases.DEFAULT]


# Documents


def test_random_documents_have_the_length_asked_for_and_are_the_same_every_time() -> None:
    documents = make_documents("40", 3, READER)
    assert [len(document) for document in documents] == [40, 40, 40]
    assert all(document[0] == 5 and document[-1] == 1 for document in documents)
    assert all(8 <= token < 99 for document in documents for token in document[1:-1])
    assert documents == make_documents("40", 3, READER)


def test_mixed_documents_are_short_and_long() -> None:
    lengths = [len(document) for document in make_documents("mixed", 40, READER)]
    assert min(lengths) < 128
    assert 500 < max(lengths) <= 1000


def test_a_network_that_reads_gets_real_text_of_any_length() -> None:
    (long,) = make_documents("1000", 1, READS)
    first, *_ = make_documents("abstracts", 2, READS)
    assert len(long) == 1000
    assert long[: len(first) - 1] == first[:-1]


def test_a_batch_holds_documents_of_similar_lengths() -> None:
    documents = [[1] * length for length in (3, 9, 4, 8, 1)]
    assert list(batches(documents, 2)) == [[1, 3], [2, 0], [4]]


# Figures


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    answers = {
        cases.OURS_INT8: [answer(1), answer(2), answer(1)],
        cases.CT2_INT8: [answer(2), answer(8), answer(3)],
    }
    assert ratios(CASE, CASE.goals[0], answers) == Spread(3, 2, 4)


def test_memory_is_better_when_it_is_less() -> None:
    goal = Goal(Measure.MEMORY, cases.OURS_INT8, cases.CT2_INT8, 1.3)
    answers = {
        cases.OURS_INT8: [answer(1, peak_bytes=12)],
        cases.CT2_INT8: [answer(1, peak_bytes=10)],
    }
    ratio = ratios(CASE, goal, answers)
    assert ratio is not None
    assert ratio.median == pytest.approx(1.2)
    assert goal.is_met(ratio.median)
    assert not goal.is_met(1.4)


def test_a_goal_of_the_same_tokens_is_missed_by_one_token() -> None:
    goal = Goal(Measure.TOKENS, cases.OURS_INT8, cases.OURS_UNDRAFTED, 1, same_tokens=True)
    case = replace(CASE, contenders=(cases.OURS_INT8, cases.OURS_UNDRAFTED), goals=(goal,))
    result = Result(case, [40, 40])
    result.answers = {
        cases.OURS_INT8: [answer(1)],
        cases.OURS_UNDRAFTED: [answer(3, summaries=[[9, 9], [9, 8]])],
    }
    summary = summarise(result)
    assert summary["goals"][0]["ratio"]["median"] == 3
    assert summary["goals"][0]["met"] is False
    assert summary["equal"][cases.OURS_INT8] == {
        "beside": cases.OURS_UNDRAFTED,
        "equal": 1,
        "of": 2,
    }


def test_only_those_that_compute_alike_are_held_against_one_another() -> None:
    answers = {name: [answer(1)] for name in (cases.OURS_INT8, cases.CT2_INT8, cases.OURS_FP32)}
    assert equal_summaries(answers) == {}
    answers[cases.CT2_FLOAT32] = [answer(1)]
    assert equal_summaries(answers) == {
        cases.CT2_FLOAT32: {"beside": cases.OURS_FP32, "equal": 2, "of": 2}
    }


def test_the_table_says_who_could_not_take_part_and_that_a_goal_was_not_measured() -> None:
    result = Result(CASE, [40, 40])
    result.answers = {cases.OURS_INT8: [answer(0.5)]}
    result.absent = {cases.CT2_INT8: "no such engine"}
    table = tour_table({"cases": [summarise(result)], "quality": []})
    assert "CTranslate2 int8: absent | none | >= 2x | not measured" in table
    assert "CTranslate2 int8 could not take part" in table
    assert "no such engine" in table
    assert "| ours int8 | 0.50 (0.50 to 0.50) | 8 | 4.00 |" in table


def test_the_least_time_is_bound_by_reading_or_by_computing() -> None:
    work = Work(source_weights=10, step_weights=100)
    machine = Machine(read_bytes_per_s=100, int8_operations_per_s=1000)
    assert work.floor_s(machine, source_tokens=50, steps=4, step_tokens=1) == 1 + 4
    assert work.floor_s(machine, source_tokens=50, steps=4, step_tokens=10) == 1 + 8


def test_weights_are_counted_as_the_family_has_them() -> None:
    config = {
        "d_model": 2,
        "encoder_layers": 3,
        "decoder_layers": 1,
        "encoder_ffn_dim": 8,
        "decoder_ffn_dim": 8,
        "vocab_size": 10,
    }
    assert work_of(config) == Work(source_weights=3 * (16 + 32) + 8, step_weights=24 + 32 + 20)


def test_lanes_are_those_of_the_server() -> None:
    assert lanes_for(read_manifest(BUNDLE)) == (512, 1024)


# Processes

_ECHO = """
import json, sys
print(json.dumps({"ready": {"echo": "1"}, "load_peak_bytes": 7}), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    if job["max_tokens"] == 13:
        sys.exit("thirteen is too many")
    print(json.dumps({"seconds": 0.5, "summaries": job["documents"], "peak_bytes": 1,
                      "pss_bytes": 1, "details": {"speculation": job["speculation"]}}), flush=True)
"""


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    (tmp_path / "echo_worker.py").write_text(_ECHO, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Entry("echo_worker", "anything", options={"speculation": False})


def test_a_contender_answers_in_its_turns_with_its_own_options(echo: Entry) -> None:
    contender = Contender(echo, Path("model"), Path(sys.executable), threads=1)
    try:
        assert contender.load_peak_bytes == 7
        for document in ([1, 2], [3]):
            given = contender.ask(Job(documents=[document], batch=1, max_tokens=4))
            assert given.summaries == [document]
            assert given.details == {"speculation": False}
    finally:
        contender.close()


def test_a_contender_that_ends_is_told_of_and_started_anew(echo: Entry) -> None:
    started = []

    def start(name: str) -> Contender:
        started.append(name)
        return Contender(echo, Path("model"), Path(sys.executable), threads=1)

    good = Job(documents=[[1]], batch=1, max_tokens=4)
    with Contenders(start) as contenders:
        assert contenders.ask("echo", good).tokens == 1
        with pytest.raises(ContenderError, match="exit code 1: thirteen is too many"):
            contenders.ask("echo", replace(good, max_tokens=13))
        assert contenders.ask("echo", good).tokens == 1
    assert started == ["echo", "echo"]


def test_a_contender_that_cannot_start_says_why(echo: Entry) -> None:
    with pytest.raises(ContenderError, match="No module named"):
        Contender(replace(echo, module="nobody"), Path("model"), Path(sys.executable), threads=1)


def test_our_engine_answers_as_a_contender_and_drafts_change_no_token() -> None:
    job = Job(documents=make_documents("64", 2, READS), batch=2, max_tokens=12, min_tokens=12)
    answers = []
    for name in (cases.OURS_INT8, cases.OURS_UNDRAFTED):
        contender = Contender(ENTRIES[name], BUNDLE, Path(sys.executable), threads=1)
        try:
            answers.append(contender.ask(job))
        finally:
            contender.close()
    drafted, undrafted = answers
    assert drafted.summaries == undrafted.summaries
    assert undrafted.details["drafted_tokens"] == 0
    assert undrafted.details["fed_tokens"] == undrafted.tokens
    assert undrafted.details["decoder_runs"] == 12
    assert 0 < undrafted.details["host_share"] < 1
    assert 0 < undrafted.pss_bytes <= undrafted.peak_bytes


# Steps and stalls


def test_steps_are_measured_for_every_number_of_rows_and_tokens() -> None:
    settings = StepSettings(rows=(1, 2), tokens=(1, 3), source=16, cache=8, rounds=1, threads=1)
    report = measure_steps([BUNDLE], settings)
    assert [step["rows"] for step in report["steps"]] == [1, 2]
    assert all(step["tokens_ms"].keys() == {1, 3} for step in report["steps"])
    assert "| default/bundle-cpu-int8 | 2 |" in steps_table(report)


def test_a_stall_is_measured_with_and_without_arrivals_each_way() -> None:
    settings = StallSettings(
        rows=2, tokens=12, load=4.0, windows=1, documents="64", count=4, threads=1
    )
    report = measure_stall(BUNDLE, settings)
    assert report["ways"].keys() == {"in slices", "in one go"}
    for figures in report["ways"].values():
        assert figures["quiet"]["arrivals"] == 0
        assert figures["busy"]["tokens"] > 0
    assert stall_table(report).count("**") == 4


def test_every_way_of_joining_is_given_the_same_documents() -> None:
    settings = JoiningSettings(rates=(8.0,), seconds=0.5, rounds=1, documents="64", count=4)
    report = measure_joining(BUNDLE, settings)
    assert [each["way"] for each in report["figures"]] == list(WAYS)
    for figures in report["figures"]:
        assert figures["calls"] == 4
        assert 0 < figures["first_ms"][0] <= figures["latency_ms"][0]
    assert joining_table(report).count("| 8 |") == len(WAYS)


# Models


def test_the_default_without_its_head_is_a_plain_pegasus(tmp_path: Path) -> None:
    make_headless(CHECKPOINT, tmp_path)
    assert check_checkpoint(tmp_path).config.copy_head is False
    assert check_checkpoint(CHECKPOINT).config.copy_head is True
