"""The rules along a summary, against the oracle's plain ones."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.manifest import SpecialTokens
from model.decoding.constraints import forbidden_ids
from model.decoding.decoding_options import GreedyOptions
from model.decoding.source_facts import wrong_fact_ids
from server.decoding.rules import Rules, RulesAlong
from server.types import DecodingOptions
from tests.fakes.spelling import SPELLING

START, END = 0, 1
SPECIAL = SpecialTokens(
    pad_id=0, end_id=END, decoder_start_id=START, never_emitted_ids=(0, 7), forced_first_id=2
)

# Few different tokens, so that repetition is the rule.
tokens = st.integers(0, 4)
summaries = st.lists(tokens, max_size=20)
limits = st.fixed_dictionaries(
    {
        "max_tokens": st.just(20),
        "min_tokens": st.integers(0, 8),
        "no_repeat_ngram_size": st.integers(0, 4),
        "no_repeat_word_ngram_size": st.integers(0, 3),
        "banned_runs": st.lists(st.lists(tokens, min_size=1, max_size=4).map(tuple)).map(tuple),
    }
)


def forbidden_by_oracle(summary: list[int], limits: dict) -> set[int]:
    options = GreedyOptions(banned_ids=SPECIAL.never_emitted_ids, spelling=SPELLING, **limits)
    return forbidden_ids(summary, [], options, START, END)


def rules_along(limits: dict) -> RulesAlong:
    return RulesAlong(Rules(DecodingOptions(**limits), SPECIAL, SPELLING))


@given(limits, summaries, st.integers(0, 20))
def test_what_may_not_follow_a_summary_or_a_copy_that_goes_on_is_what_the_oracle_forbids(
    limits: dict, summary: list[int], num_written: int
) -> None:
    along = rules_along(limits)
    for count, token in enumerate(summary[:num_written]):
        assert set(along.forbidden()) == forbidden_by_oracle(summary[:count], limits)
        along.push(token)
    before = set(along.forbidden())
    ahead = along.copy()
    for count, token in enumerate(summary[num_written:], start=num_written):
        assert set(ahead.forbidden()) == forbidden_by_oracle(summary[:count], limits)
        ahead.push(token)
    assert set(ahead.forbidden()) == forbidden_by_oracle(summary, limits)
    assert set(along.forbidden()) == before == forbidden_by_oracle(summary[:num_written], limits)


@given(limits, summaries, st.integers(0, 20))
def test_one_token_is_forbidden_if_it_is_among_those_that_are(
    limits: dict, summary: list[int], num_written: int
) -> None:
    along = rules_along(limits)
    for token in summary[:num_written]:
        along.push(token)
    ahead = along.copy()
    for token in summary[num_written:]:
        ahead.push(token)
    for each in (along, ahead):
        assert {token for token in range(9) if each.forbids(token)} == set(each.forbidden())


def test_a_summary_begins_with_the_forced_token_and_then_the_prefix() -> None:
    rules = Rules(DecodingOptions(max_tokens=9, prefix_ids=(5, 6)), SPECIAL)
    assert [rules.forced(length) for length in range(4)] == [2, 5, 6, None]


def test_the_forced_end_takes_the_last_place_before_anything_else() -> None:
    options = DecodingOptions(max_tokens=2, prefix_ids=(5, 6))
    rules = Rules(options, replace(SPECIAL, forced_last_id=END))
    assert [rules.forced(length) for length in range(2)] == [2, END]


def test_a_rule_about_words_needs_to_know_how_tokens_are_spelled() -> None:
    with pytest.raises(ValueError, match="no_repeat_word_ngram_size needs the spelling"):
        RulesAlong(Rules(DecodingOptions(max_tokens=9, no_repeat_word_ngram_size=3), SPECIAL))
    with pytest.raises(ValueError, match="only_source_facts needs the spelling"):
        RulesAlong(Rules(DecodingOptions(max_tokens=9, only_source_facts=True), SPECIAL))


@given(limits, summaries, summaries)
def test_a_token_of_a_wrong_name_or_number_is_forbidden_too_but_not_listed(
    limits: dict, source: list[int], summary: list[int]
) -> None:
    options = DecodingOptions(**limits, only_source_facts=True)
    along = RulesAlong(Rules(options, SPECIAL, SPELLING, source))
    for token in summary:
        along.push(token)
    assert set(along.forbidden()) == forbidden_by_oracle(summary, limits)
    expected = wrong_fact_ids(summary, source, SPELLING, vocabulary_size=40, end_id=END)
    wrong = along.wrong_facts(40)
    assert wrong is not None
    assert set(wrong.nonzero()[0].tolist()) == expected
    forbidden = expected | set(along.forbidden())
    assert {token for token in range(40) if along.forbids(token)} == forbidden
