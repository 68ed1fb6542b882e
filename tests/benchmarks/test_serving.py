"""What `python -m benchmarks serving` makes of others' output, and its tables' arithmetic."""

import sys
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.serving.capacity import QUICK as QUICK_DURATIONS
from benchmarks.serving.capacity import Durations, full_seconds, probe_seconds
from benchmarks.serving.contenders import CONTENDERS, QUICK, reading
from benchmarks.serving.crosscheck import differences, median_of
from benchmarks.serving.figures import Figures, figures_of, percentile
from benchmarks.serving.generator_cost import added_ms
from benchmarks.serving.h2load import framed, read_log
from benchmarks.serving.k6 import read_summary
from benchmarks.serving.load import Load
from benchmarks.serving.plot import plot_serving, points_of
from benchmarks.serving.processes import ServerFailed, running
from benchmarks.serving.report import held, is_agreed, serving_tables
from benchmarks.serving.run import make_settings
from loadtest.scenario_files import read_scenario
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc


def found(p99_ms: float | None, *, throughput: float = 5.0) -> Figures:
    return Figures(10, 0, throughput, p99_ms, p99_ms, p99_ms)


# How long


@given(st.floats(0.001, 60))
def test_a_full_server_has_time_for_everybody_twice_even_one_by_one(unloaded_s: float) -> None:
    seconds = full_seconds(QUICK_DURATIONS, unloaded_s)
    assert seconds >= QUICK_DURATIONS.full
    assert seconds >= QUICK_DURATIONS.warm_up + 2 * 16 * unloaded_s


def test_a_probe_of_a_slow_server_is_longer_but_not_for_ever() -> None:
    assert probe_seconds(QUICK_DURATIONS, 100.0) == QUICK_DURATIONS.probe
    assert probe_seconds(QUICK_DURATIONS, 0.5) == QUICK_DURATIONS.warm_up + 16
    assert probe_seconds(QUICK_DURATIONS, 0.001) == 30
    assert probe_seconds(Durations().scaled(10), 0.001) == 120


# Others' output


def test_h2load_s_log_is_read_without_the_warm_up() -> None:
    # As h2load 1.52 writes it, whatever the order: start in microseconds, status, duration.
    log = (
        "1795288428867880\t200\t900000\n"
        "1795288429867880\t200\t3000\n"
        "1795288430867880\t200\t5000\n"
        "1795288430367880\t502\t4000\n"
    )
    figures = read_log(log, warm_up_s=1)
    assert (figures.calls, figures.failed) == (3, 1)
    assert (figures.p50_ms, figures.p99_ms) == (3, 5)
    # Two that went well, from the end of the warm-up to the last answer.
    assert figures.throughput == pytest.approx(2 / 1.005)
    assert read_log(log, warm_up_s=1, span_s=4).throughput == 0.5


def test_a_log_of_nothing_has_no_percentiles() -> None:
    assert read_log("", warm_up_s=1) == Figures(0, 0, 0.0, None, None, None)


def test_a_message_is_framed_as_grpc_wants_it() -> None:
    assert framed(b"abc") == b"\0\0\0\0\3abc"
    assert framed(bytes(300))[:5] == b"\0\0\0\1\x2c"


K6_SUMMARY: dict[str, Any] = {
    "state": {"isStdOutTTY": False, "isStdErrTTY": False, "testRunDurationMs": 10678.952463},
    "metrics": {
        "grpc_req_duration": {
            "type": "trend",
            "contains": "time",
            "values": {
                "count": 29,
                "p(50)": 1453.215416,
                "p(95)": 1938.5538774,
                "p(99)": 1948.42488932,
            },
        },
        "failed": {"contains": "default", "values": {"count": 2, "rate": 0}, "type": "counter"},
    },
}


def test_k6_s_summary_is_read() -> None:
    figures = read_summary(K6_SUMMARY)
    assert (figures.calls, figures.failed) == (29, 2)
    assert (figures.p50_ms, figures.p95_ms) == (1453.215416, 1938.5538774)
    assert figures.throughput == pytest.approx(27 / 10.678952463)
    assert read_summary(K6_SUMMARY, span_s=10).throughput == 2.7


# What is told to others


def test_a_scenario_of_ours_is_one_that_the_load_generator_takes(tmp_path: Path) -> None:
    load = Load(tmp_path, seed=3, slo={"p99_ms": 1000.0})
    phase = {"name": "alone", "users": 1, "seconds": 4.0, "warm_up_s": 1.0}
    search = {"lowest": 0.5, "highest": 4.4, "seconds": 9, "warm_up_s": 1, "then": [0.5, 0.7]}
    file = tmp_path / "scenario.toml"
    file.write_text(load.scenario("either", [phase], search), "utf-8")
    scenario = read_scenario(str(file))
    assert scenario.seed == 3
    assert scenario.slo == {"p99_ms": 1000}
    assert scenario.phases[0].users == 1
    assert scenario.search is not None
    assert scenario.search.then == (0.5, 0.7)
    assert scenario.corpus.folders == (str(tmp_path),)
    assert not scenario.corpus.distinct


def test_the_peer_is_told_what_our_manifest_says() -> None:
    told = reading(Path("models/default/bundle-cpu-int8"))
    assert told["prefix_ids"] == (5,)
    assert told["suffix_ids"] == (1,)
    assert (told["max_tokens"], told["no_repeat_ngram_size"]) == (96, 3)


def test_names_choose_contenders_and_a_wrong_one_is_told_what_there_is() -> None:
    def chosen(*words: str, quick: bool = False) -> list[Any]:
        return list(
            make_settings(
                quick=quick, home=Path("x"), threads=2, only=words, parts=(), time_factor=1.0,
                resumes=True,
            ).chosen
        )  # fmt: skip

    assert chosen() == list(CONTENDERS)
    assert chosen(quick=True) == list(QUICK)
    assert {one.name for one in chosen("dynamic")} == {"ours, dynamic"}
    with pytest.raises(SystemExit, match=r"no contender has 'dinamic' in its name.*CTranslate2"):
        chosen("dinamic")


# Arithmetic


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_a_value_that_was_measured(values: list[float], percent: int) -> None:
    expected = np.percentile(values, percent, method="inverted_cdf")
    assert percentile(sorted(values), percent) == expected


def test_figures_count_what_failed_and_rate_what_did_not() -> None:
    figures = figures_of([3.0, 1.0], failed=1, span_s=4)
    assert figures == Figures(3, 1, 0.5, 1.0, 3.0, 3.0)


def test_what_a_generator_adds_is_the_median_of_the_rounds_differences() -> None:
    ours, bare = [found(9), found(5), found(4)], [found(2), found(4), found(4)]
    assert added_ms(ours, bare, "p99_ms") == 1


def test_differences_are_parts_of_ours_and_agree_within_five_percent() -> None:
    medians = {
        "loadtest": median_of([found(100), found(90), found(400)]),
        "k6": median_of([found(104)]),
        "h2load": median_of([found(100, throughput=5.5)]),
    }
    apart = differences(medians, "loadtest")
    assert set(apart) == {"k6", "h2load"}
    assert apart["k6"]["p50_ms"] == pytest.approx(0.04)
    assert apart["h2load"]["throughput"] == pytest.approx(0.1)
    assert is_agreed(apart["k6"])
    assert not is_agreed(apart["h2load"])


def contender(**changes: Any) -> dict[str, Any]:
    load = {"calls": 40, "failed": 0, "throughput": 4.0, "p50_ms": 150.0, "p95_ms": 200.0}
    return {
        "of": "default",
        "server": "ours",
        "unloaded": load | {"p99_ms": 180.0},
        "full": load | {"p99_ms": 2000.0, "users": 16},
        "highest_rate": 5.0,
        "tokens_a_summary": 24.2,
        "shares": [
            load | {"share": 0.5, "rate": 2.5, "p99_ms": 225.0},
            load | {"share": 0.7, "rate": 3.5, "p99_ms": 300.0},
        ],
        "probes": [
            load | {"rate": 6.0, "p99_ms": 1400.0},
            load | {"rate": 2.5, "p99_ms": 900.0},
            load | {"rate": 9.0, "p99_ms": None},
        ],
    } | changes


def test_p99_at_seventy_percent_is_held_against_the_unloaded_latency() -> None:
    assert held(contender()) == 2.0
    assert held(contender(shares=[])) is None


def test_a_line_of_the_plot_ascends_and_prefers_the_longer_measurement() -> None:
    assert points_of(contender()) == [(2.5, 225.0), (3.5, 300.0), (6.0, 1400.0)]


def test_every_table_names_whoever_was_measured_and_whoever_was_not() -> None:
    figures = {"calls": 9, "failed": 0, "throughput": 2000.0} | dict.fromkeys(
        ("p50_ms", "p95_ms", "p99_ms"), 1.5
    )
    medians = {name: median_of([found(100)]) for name in ("loadtest", "k6")}
    tables = serving_tables(
        {
            "contenders": [contender(), contender(server="slow", highest_rate=None, shares=[])],
            "absent": {"CTranslate2": "it said nothing"},
            "generator": {
                "settings": {"rate": 2000.0},
                "rounds": {"loadtest": [figures]},
                "absent": {"h2load": "h2load is not installed"},
                "adds_p50_ms": 0.1,
                "adds_p99_ms": 0.5,
            },
            "crosscheck": [
                {
                    "check": {"name": "four users"},
                    "medians": medians,
                    "differences": differences(medians, "loadtest"),
                    "absent": {},
                }
            ],
        }
    )
    for words in (
        "| default | ours | 150 / 180 | **5** | 4 | 24 | 2.00x |",
        "| default | slow | 150 / 180 | none | 4 | 24 |  |",
        "| default | ours | 70 % | 3.5 | 150 | 200 | 300 | 40 |",
        "CTranslate2: it said nothing",
        "loadtest adds 0.10 ms to p50 and 0.50 ms to p99",
        "h2load: h2load is not installed",
        "| four users | k6 | 5.00 | 100.0 | 100.0 | 100.0 | +0.0 %, +0.0 %, +0.0 %, +0.0 % |",
    ):
        assert words in tables


# Servers


def test_a_server_that_ends_is_told_of_with_its_last_words() -> None:
    def command(port: int) -> list[str]:
        return [sys.executable, "-c", "import sys; sys.exit('no such model')"]

    with pytest.raises(ServerFailed, match="no such model"), running(command):
        pass


def test_the_echo_server_answers_as_long_as_it_is_wanted() -> None:
    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "benchmarks.serving.echo_server", str(port)]

    with running(command) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = summarizer_pb2_grpc.SummarizerStub(channel)
        assert stub.Summarize(pb.SummarizeRequest(document="x"), timeout=9).usage.summary_tokens


def test_the_plot_names_every_server_and_takes_one_that_nothing_is_known_of(tmp_path: Path) -> None:
    target = tmp_path / "serving.svg"
    plot_serving(
        {"contenders": [contender(), contender(server="silent", shares=[], probes=[])]}, target
    )
    drawn = target.read_text("utf-8")
    for words in ("ours", "silent", "1000", "arrivals a second"):
        assert words in drawn
