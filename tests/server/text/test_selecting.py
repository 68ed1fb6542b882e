"""Which sentences are taken: within the budget, none twice, and what covers most first."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.text.selecting import Candidate, Said, cover, select
from server.text.whole_numbers import FRACTION_BITS, log2

WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=6).map(tuple)
CANDIDATES = st.lists(st.builds(Candidate, WORDS, st.integers(0, 9)), max_size=12)


def test_the_best_that_fit_are_taken_and_what_does_not_fit_is_passed_over() -> None:
    words = [["a"], ["b"], ["c"], ["d"]]
    assert select([2, 0, 3, 1], words, [5, 4, 6, 3], budget=10) == [2, 3]
    assert select([2, 0, 3, 1], words, [5, 4, 6, 3], budget=100, most=3) == [2, 0, 3]
    assert select([2, 0, 3, 1], words, [5, 4, 6, 3], budget=2) == []


def test_what_only_repeats_a_taken_sentence_is_left_out() -> None:
    words = [list("abcd"), list("abce"), list("abxy"), list("ab"), list("abcdefg")]
    # Three of four words repeat, two of four do not; all of a short one do, four of seven do not.
    assert select(range(5), words, [1] * 5, budget=9) == [0, 2, 4]
    said = Said()
    said.add("xy")
    assert select([0, 1], [["x"], ["z"]], [1, 1], budget=9, said=said) == [1]


def test_sentences_without_content_words_repeat_nothing() -> None:
    assert select([0, 1], [[], []], [1, 1], budget=9) == [0, 1]


@given(CANDIDATES, st.integers(0, 30), st.integers(0, 12), st.data())
def test_a_selection_keeps_its_budget_and_takes_none_twice(
    candidates: list[Candidate], budget: int, most: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(candidates))))
    words = [candidate.words for candidate in candidates]
    lengths = [candidate.length for candidate in candidates]
    taken = select(order, words, lengths, budget=budget, most=most)
    assert len(set(taken)) == len(taken) <= most
    assert sum(lengths[index] for index in taken) <= budget
    assert taken == sorted(taken, key=order.index)


def test_covering_takes_what_says_most_that_is_new_for_its_length() -> None:
    written = [
        Candidate(("a", "b"), 4),
        Candidate(("a", "b", "c"), 4),
        Candidate(("d", "e"), 4),
        Candidate(("d", "e"), 100),
    ]
    counts = Counter("aabbccddee")
    assert cover(written, [], [], counts, 1000).written == [1, 2]
    assert cover(written, [], [], counts, 4).written == [1]


def test_the_room_left_is_filled_with_new_sentences_of_the_document() -> None:
    written = [Candidate(("a", "b"), 4)]
    verbatim = [Candidate((word,), 3) for word in "abcde"]
    found = cover(written, verbatim, [0, 4, 3, 2, 1], Counter("ab"), 10)
    assert (found.written, found.verbatim) == ([0], [4, 3])


@given(CANDIDATES, CANDIDATES, st.integers(0, 40))
def test_covering_keeps_its_budget_and_takes_the_best_at_every_step(
    written: list[Candidate], verbatim: list[Candidate], budget: int
) -> None:
    counts = Counter(word for candidate in written for word in candidate.words)
    found = cover(written, verbatim, range(len(verbatim)), counts, budget)
    taken = [written[i] for i in found.written] + [verbatim[i] for i in found.verbatim]
    assert sum(candidate.length for candidate in taken) <= budget
    assert found.written == greedily(written, counts, budget)


def greedily(written: list[Candidate], counts: Counter[str], budget: int) -> list[int]:
    """The rule of `cover` word for word, looking at every candidate at every step."""
    said, held, taken = Said(), set[str](), list[int]()
    while True:
        best, largest = -1, Fraction(0)
        for index, candidate in enumerate(written):
            fits = index not in taken and candidate.length <= budget
            if not fits or said.repeats(candidate.words):
                continue
            words = set(candidate.words)
            gain = sum(2 * log2(1 + counts[word]) for word in words - held)
            gain -= sum(log2(1 + counts[word]) for word in words & held)
            root = int((10**6 * max(1, candidate.length)) ** 0.5)
            if Fraction(1000 * gain // root) > largest:
                best, largest = index, Fraction(1000 * gain // root)
        if best < 0:
            return taken
        taken.append(best)
        said.add(written[best].words)
        held |= set(written[best].words)
        budget -= written[best].length


@pytest.mark.parametrize(("number", "expected"), [(1, 0), (2, 1), (1024, 10), (1 << 40, 40)])
def test_logarithms_of_powers_of_two_are_exact(number: int, expected: int) -> None:
    assert log2(number) == expected << FRACTION_BITS


@given(st.integers(1, 10**9))
def test_logarithms_are_rounded_down(number: int) -> None:
    unit = 1 << FRACTION_BITS
    assert (1 << log2(number) // unit) <= number
    assert log2(number * number) - 2 * log2(number) in (0, 1, 2)
    assert log2(number) <= log2(number + 1)


def test_there_is_no_logarithm_of_nothing() -> None:
    with pytest.raises(ValueError, match="no logarithm of 0"):
        log2(0)
