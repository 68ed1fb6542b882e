"""The predicted work of a document, before it is tokenised."""

from dataclasses import replace

import pytest

from bundle.manifest import DecodingDefaults, Style
from server.forecast import Forecast
from server.types import DecodingOptions, FinishReason

DEFAULTS = DecodingDefaults(max_tokens=100, min_tokens=0, no_repeat_ngram_size=0)
STYLE = Style(name="brief", description="", prefix_ids=(), suffix_ids=(), defaults=DEFAULTS)
OPTIONS = DecodingOptions(max_tokens=100)


def learn(
    forecast: Forecast, *, tokens: int, steps: int, options: DecodingOptions = OPTIONS
) -> None:
    for _ in range(100):
        reason = FinishReason.STOP if tokens < options.max_tokens else FinishReason.LENGTH
        forecast.written(STYLE, options, tokens=tokens, steps=steps, reason=reason)


def test_tokens_are_guessed_by_bytes_as_those_before_had_them() -> None:
    forecast = Forecast()
    assert 150 < forecast.tokens(1000) < 350
    for _ in range(100):
        forecast.read(3000, 1000)
    assert forecast.tokens(600) == pytest.approx(200, abs=1)
    assert forecast.tokens(1) == 1


def test_steps_are_guessed_by_the_summaries_of_the_same_style() -> None:
    forecast = Forecast()
    assert 0 < forecast.steps(STYLE, OPTIONS) < 100
    learn(forecast, tokens=40, steps=20)
    assert forecast.steps(STYLE, OPTIONS) == 20
    assert forecast.steps(replace(STYLE, name="other"), OPTIONS) == 20  # 40 tokens, unlearnt


def test_a_request_bounds_the_length_of_its_summary() -> None:
    forecast = Forecast()
    learn(forecast, tokens=40, steps=40)
    assert forecast.steps(STYLE, replace(OPTIONS, max_tokens=5)) == 5
    assert forecast.steps(STYLE, replace(OPTIONS, min_tokens=90)) == 90


def test_summaries_that_a_request_cut_short_or_drew_out_say_nothing_of_others() -> None:
    forecast = Forecast()
    learn(forecast, tokens=40, steps=40)
    learn(forecast, tokens=5, steps=5, options=replace(OPTIONS, max_tokens=5))
    learn(forecast, tokens=90, steps=90, options=replace(OPTIONS, min_tokens=90))
    assert forecast.steps(STYLE, OPTIONS) == 40


def test_a_summary_that_ended_by_itself_below_a_small_limit_counts() -> None:
    forecast = Forecast()
    learn(forecast, tokens=10, steps=10, options=replace(OPTIONS, max_tokens=50))
    assert forecast.steps(STYLE, OPTIONS) == 10


def test_only_greedy_decoding_writes_several_tokens_a_step() -> None:
    forecast = Forecast()
    learn(forecast, tokens=40, steps=20)
    assert forecast.steps(STYLE, replace(OPTIONS, num_beams=4)) == 40
    assert forecast.steps(STYLE, replace(OPTIONS, temperature=1.0)) == 40


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (OPTIONS, 1),
        (replace(OPTIONS, num_beams=4, num_summaries=2), 4),
        (replace(OPTIONS, temperature=1.0, num_summaries=3), 3),
    ],
)
def test_every_beam_and_every_sample_holds_a_row(options: DecodingOptions, rows: int) -> None:
    forecast = Forecast()
    work = forecast.work(STYLE, options, tokens=100)
    assert work.rows == rows
    assert work.row_steps == rows * forecast.steps(STYLE, options)
