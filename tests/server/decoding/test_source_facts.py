"""The rule about names and numbers: what it forbids, and the fast form against the plain one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle import BundleTokenizer
from bundle.facts import Source, wrong_words
from bundle.spelling import Spelling
from model.decoding.source_facts import wrong_fact_ids
from model.network.transformer import Summarizer
from server.decoding.beams import BeamSearch
from server.decoding.drafting import CopyDrafts, LookupDrafts
from server.decoding.greedy import Greedy
from server.decoding.sampling import Sampling
from server.decoding.source_facts import OnlySourceFacts
from server.decoding.strategy import Hypothesis, Outcome, Strategy
from server.types import DecodingOptions, FinishReason
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.fakes.ending_model import END as MODEL_END
from tests.fakes.ending_model import SPECIAL, make_ending_model
from tests.fakes.spelling import SPELLING, TEXTS
from tests.fakes.torch_decoder import run
from tests.model.factories import TINY

TOKENIZER = BundleTokenizer(DEFAULT_BUNDLE / "tokenizer.json")
VOCABULARY = len(TEXTS) + 1  # one more than there are
END = VOCABULARY

token_lists = st.lists(st.integers(0, VOCABULARY - 1), max_size=12)


def rule(source: str, spelling: Spelling = SPELLING) -> OnlySourceFacts:
    return OnlySourceFacts(Source(source, spelling.ordinary), spelling)


def expected(tokens: list[int], source: list[int]) -> set[int]:
    return wrong_fact_ids(tokens, source, SPELLING, vocabulary_size=VOCABULARY, end_id=END)


def forbidden(facts: OnlySourceFacts) -> set[int]:
    one_by_one = {token for token in range(VOCABULARY) if facts.forbids(token)}
    assert set(facts.wrong(VOCABULARY).nonzero()[0].tolist()) == one_by_one
    return one_by_one | {END} if facts.forbids_end() else one_by_one


@settings(max_examples=300)
@given(token_lists, token_lists)
def test_the_forbidden_tokens_are_those_of_the_oracle(source: list[int], tokens: list[int]) -> None:
    facts = rule(SPELLING.text_of(source))
    for count, token in enumerate(tokens):
        assert forbidden(facts) == expected(tokens[:count], source)
        facts.push(token)
    assert forbidden(facts) == expected(tokens, source)


@given(token_lists, token_lists, token_lists)
def test_a_copy_goes_on_by_itself(source: list[int], tokens: list[int], more: list[int]) -> None:
    facts = rule(SPELLING.text_of(source))
    for token in tokens:
        facts.push(token)
    copy = facts.copy()
    for token in more:
        copy.push(token)
    assert forbidden(copy) == expected([*tokens, *more], source)
    assert forbidden(facts) == expected(tokens, source)


DOCUMENT = "Palestinians in Paris, said GPT-4 Café, rose by 5.1%."


def default_rule(written: str, document: str = DOCUMENT) -> OnlySourceFacts:
    facts = rule(document, TOKENIZER.spelling)
    for token in TOKENIZER.encode(written):
        facts.push(token)
    return facts


@pytest.mark.parametrize(
    "written",
    ["", "it was", "it was in Pal", "rose by 5.", "Three", "said GP", "it was 中\u4e09 Caf"],
)
def test_in_the_default_vocabulary_all_tokens_together_are_judged_as_one_by_one(
    written: str,
) -> None:
    facts = default_rule(written)
    size = TOKENIZER.vocab_size + 2
    assert facts.wrong(size).tolist() == [facts.forbids(token) for token in range(size)]


@pytest.mark.parametrize(
    ("written", "following", "is_forbidden"),
    [
        ("people in", " Paris", False),
        ("people in", " London", True),
        ("people in", " Pal", False),
        ("people in Pal", "est", False),
        ("people in Pal", "ace", True),
        ("people in Pal", ".", True),
        ("people in Paris", ".", False),
        ("rose by", " 5", False),
        ("rose by 5", ".", False),
        ("rose by 5", " ", True),
        ("rose by 5.", "1", False),
        ("rose by 5.", "2", True),
        ("rose by 5.1", "%", False),
        ("", "The", False),
        ("rose. ", "The", False),
        ("", "Microsoft", True),
        ("people in Microsoft", "er", False),
        ("people", " anything", False),
    ],
)
def test_a_name_or_number_is_followed_along_the_words_of_the_document(
    written: str, following: str, *, is_forbidden: bool
) -> None:
    (token,) = (
        token
        for token in range(TOKENIZER.vocab_size)
        if TOKENIZER.spelling.text(token) == following.encode()
    )
    assert default_rule(written).forbids(token) == is_forbidden


@pytest.mark.parametrize(
    ("written", "is_forbidden"),
    [
        ("it was", False),
        ("people in Pal", True),
        ("people in Paris", False),
        ("rose by 5.", True),
        ("people in Rome", False),
    ],
)
def test_a_summary_may_end_where_its_last_word_may(written: str, *, is_forbidden: bool) -> None:
    """Rome is wrong before: nobody could write it but the request itself."""
    assert default_rule(written).forbids_end() == is_forbidden


def test_a_character_in_halves_is_followed_too() -> None:
    texts = [b"Caf", b"\xc3", b"\xa9", b"\xa8", b"\xc4", b" "]
    facts = rule("Café", Spelling(len(texts), texts.__getitem__))
    facts.push(0)
    assert [facts.forbids(token) for token in range(6)] == [True, False, True, True, True, True]
    facts.push(1)
    assert [facts.forbids(token) for token in range(6)] == [True, True, False, True, True, True]
    facts.push(2)
    assert not facts.forbids(5)
    assert not facts.forbids_end()


# Whatever is begun in these texts can be completed, so there are no dead ends.
LETTERS = [f"{gap}{letter}" for letter in "abAB12" for gap in ("", " ")]
COMPLETE = [
    *LETTERS,
    ".",
    ",",
    "-",
    " ",
    "的",
    "模",
    " ab",
    " Ab",
    "BA",
    " 12",
    "2A",
    " aB",
    "'",
    "(",
]
COMPLETE_SPELLING = Spelling(
    TINY.vocabulary_size,
    lambda token: b"" if token in (0, MODEL_END) else COMPLETE[token % len(COMPLETE)].encode(),
)
NETWORKS = [
    make_ending_model(seed, copy_head=copy_head, eagerness=1.0)
    for seed in range(4)
    for copy_head in (True, False)
]
ids = st.integers(10, TINY.vocabulary_size - 1)
WAYS = ["greedy", "drafts", "lookups", "penalty", "beams", "sample", "samples"]


def written(
    network: Summarizer,
    way: str,
    source: list[int],
    options: DecodingOptions,
    spelling: Spelling = COMPLETE_SPELLING,
    draft_width: int = 0,
) -> Sequence[Hypothesis]:
    """What a network writes in one of the ways."""
    special = replace(SPECIAL, never_emitted_ids=(0,))
    knows: dict[str, Any] = {"spelling": spelling, "source_ids": source}
    made: Strategy
    if way == "beams":
        options = replace(options, num_beams=3, num_summaries=3)
        made = BeamSearch(options, special, TINY.vocabulary_size, **knows)
    elif way in ("sample", "samples"):
        count = 1 if way == "sample" else 3
        options = replace(options, temperature=1.5, seed=7, num_summaries=count)
        made = Sampling(options, special, TINY.vocabulary_size, **knows)
    else:
        options = replace(options, repetition_penalty=1.4 if way == "penalty" else 1.0)
        drafters = {"drafts": CopyDrafts, "lookups": LookupDrafts}
        drafter = drafters[way](source) if way in drafters else None
        made = Greedy(options, special, drafter, **knows)
    return run(network, source, made, draft_width=draft_width).hypotheses


def made_up(one: Hypothesis, source: list[int]) -> list[str]:
    document = COMPLETE_SPELLING.text_of(source)
    text = COMPLETE_SPELLING.text_of(one.tokens)
    is_cut = one.reason is FinishReason.LENGTH
    return list(wrong_words(Source(document, COMPLETE_SPELLING.ordinary), text, is_cut=is_cut))


@settings(max_examples=150, deadline=None)
@given(
    network=st.sampled_from(NETWORKS),
    way=st.sampled_from(WAYS),
    source=st.lists(ids, min_size=1, max_size=12),
    draft_width=st.integers(0, 4),
)
def test_in_no_way_of_decoding_is_a_name_or_number_made_up(
    network: Summarizer, way: str, source: list[int], draft_width: int
) -> None:
    options = DecodingOptions(max_tokens=14, only_source_facts=True)
    for one in written(network, way, source, options, draft_width=draft_width):
        assert made_up(one, source) == []


def test_without_the_rule_the_same_networks_make_some_up() -> None:
    source = [10, 11, 12]
    options = DecodingOptions(max_tokens=14)
    found = [made_up(written(each, "sample", source, options)[0], source) for each in NETWORKS]
    assert sum(map(len, found)) > len(NETWORKS)


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_else_could_be_written_the_rule_does_not_count(way: str) -> None:
    """All words are names, and the document has none; the summary may not end before three."""
    names = Spelling(TINY.vocabulary_size, lambda token: b"" if token in (0, MODEL_END) else b" B")
    options = DecodingOptions(max_tokens=9, min_tokens=3, only_source_facts=True)
    for one in written(NETWORKS[0], way, [0], options, names):
        assert (len(one.tokens), one.reason) == (3, FinishReason.STOP)


def test_where_the_likeliest_tokens_are_all_forbidden_the_scores_of_all_are_asked_for() -> None:
    texts = [b"", b"", b" A", b" B", b" x"]
    spelling = Spelling(len(texts), texts.__getitem__)
    special = replace(SPECIAL, end_id=1)
    options = DecodingOptions(max_tokens=5, only_source_facts=True, prefix_ids=(4,))
    greedy = Greedy(options, special, spelling=spelling)
    asked = greedy.propose(1)
    assert (list(asked.token_ids), asked.wants_scores) == ([0, 4], False)
    unsure = Outcome(np.array([[2, 3]] * 2), np.array([[-0.1, -0.2]] * 2))
    assert not greedy.advance(unsure)
    assert greedy.written == [4]
    asked = greedy.propose(1)
    assert (list(asked.token_ids), asked.first_slot, asked.wants_scores) == ([4], 1, True)
    assert asked.ahead is None
    scores = np.log(np.array([[0.01, 0.2, 0.4, 0.3, 0.09]]))
    greedy.advance(Outcome(np.array([[2, 3]]), np.log([[0.4, 0.3]]), scores=scores))
    assert greedy.hypotheses[0].tokens == [4]
    assert greedy.hypotheses[0].reason is FinishReason.STOP
