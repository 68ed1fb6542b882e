"""TextRank in whole numbers: like the walk in floating point, and whatever the order of adding."""

from math import log2
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.text.centrality import TOTAL, centrality

SENTENCES = st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=8), min_size=1, max_size=12)


def in_floats(words: list[list[str]]) -> list[float]:
    """The walk as the module describes it, over pairs of sentences; all ranks are at most 1."""
    sets = [set(sentence) for sentence in words]
    count = len(sets)
    rarity = {
        word: max(1, int(16 * log2((count + 1) / (sum(word in other for other in sets) + 0.5))))
        / 16
        for word in set().union(*sets)
    }
    similar = [
        [
            sum(rarity[word] for word in a & b) / (len(a) * len(b)) ** 0.375
            if i != j and a & b
            else 0
            for j, b in enumerate(sets)
        ]
        for i, a in enumerate(sets)
    ]
    leaving = [max(sum(row), 0.5) for row in similar]
    ranks = [1 / count] * count
    for _ in range(30):
        passed_on = [rank / out for rank, out in zip(ranks, leaving, strict=True)]
        ranks = [
            0.15 / count + 0.85 * sum(float(s) * p for s, p in zip(row, passed_on, strict=True))
            for row in similar
        ]
    return ranks


@given(SENTENCES)
def test_whole_numbers_come_close_to_the_walk_they_stand_for(words: list[list[str]]) -> None:
    ranks = centrality(words)
    for rank, exact in zip(ranks.tolist(), in_floats(words), strict=True):
        assert abs(rank / TOTAL - exact) < 0.002


def test_the_sentence_that_shares_most_with_the_others_is_the_most_central() -> None:
    words = [["a", "b"], ["c", "d"], ["a", "b", "c", "d"], ["x", "y"], []]
    ranks = centrality(words).tolist()
    assert max(ranks) == ranks[2]
    assert ranks[3] == ranks[4] == min(ranks)
    assert ranks[0] == ranks[1]


@given(SENTENCES)
def test_repeated_words_and_their_order_change_nothing(words: list[list[str]]) -> None:
    turned = [sentence[::-1] * 2 for sentence in words]
    assert centrality(words).tolist() == centrality(turned).tolist()


@given(SENTENCES, st.randoms(use_true_random=False))
def test_the_order_of_the_sentences_changes_no_rank(words: list[list[str]], random: Random) -> None:
    places = list(range(len(words)))
    random.shuffle(places)
    ranks = centrality(words)
    assert centrality([words[place] for place in places]).tolist() == ranks[places].tolist()


def test_ranks_stay_within_their_bounds_at_extreme_sizes() -> None:
    for words in (
        [["a"]] * 50_000,
        [[str(n)] for n in range(50_000)],
        [[str(n % 5000) for n in range(9999)]] * 3,
    ):
        ranks = centrality(words)
        assert ranks.dtype == np.int64
        assert ranks.min() >= 0
        assert int(ranks.sum()) <= TOTAL


def test_a_document_without_sentences_has_no_ranks() -> None:
    assert centrality([]).tolist() == []
