"""Which sentences come first: the central ones, the beginning, and what a guide speaks of."""

from hypothesis import given
from hypothesis import strategies as st

from server.text.content_words import content_words
from server.text.ranking import best_first, key_scores, overlap_scores
from server.text.structure import split

SCORES = st.lists(st.integers(-3, 3), min_size=1, max_size=9)


def scores(document: str) -> list[int]:
    structure = split(document)
    words = [content_words(structure.read(sentence)) for sentence in structure.sentences]
    return key_scores(structure.sentences, words)


def test_a_central_sentence_outranks_one_that_shares_no_word() -> None:
    found = scores(
        "Nobody in the whole town noticed. Rain fell all night on the river and the old bridge. "
        "The river took the old bridge after rain fell all night."
    )
    assert best_first(found) == [1, 2, 0]


def test_a_sentence_of_hardly_any_content_words_is_hardly_worth_anything() -> None:
    found = scores("Rain. The rain fell on the old bridge today. I will.")
    assert best_first(found) == [1, 0, 2]
    assert found[2] == 0


def test_of_sentences_alike_the_one_nearer_to_the_beginning_is_better() -> None:
    found = scores("Rain came today. Rain fell today. Rain went today.")
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 3


def test_a_sentence_that_opens_a_paragraph_is_better_than_one_inside_it() -> None:
    rain = "Rain {} today."
    middle = [rain.format(verb) for verb in ("came", "fell", "went", "hung", "sang", "rang")]
    inside = scores(" ".join(middle))
    opening = scores(" ".join(middle[:5]) + "\n\n" + middle[5])
    assert opening[:5] == inside[:5]
    assert 4 * opening[5] == 5 * inside[5]


def test_overlap_is_the_f1_of_the_content_words() -> None:
    words = [["rain", "fall"], ["rain", "rain"], ["sun"], []]
    assert overlap_scores(words, ["rain", "fall", "today", "here"]) == [666_666, 333_333, 0, 0]
    assert overlap_scores(words, []) == [0, 0, 0, 0]


def test_places_in_several_rankings_are_added_and_equal_scores_share_one() -> None:
    assert best_first([1, 3, 2]) == [1, 2, 0]
    assert best_first([1, 3, 2], [9, 0, 9]) == [2, 0, 1]
    assert best_first([5, 5, 5]) == [0, 1, 2]


@given(SCORES)
def test_one_ranking_is_sorted_by_its_scores(scores: list[int]) -> None:
    order = best_first(scores)
    assert sorted(order) == list(range(len(scores)))
    assert order == sorted(range(len(scores)), key=lambda index: (-scores[index], index))


@given(SCORES)
def test_a_ranking_added_to_itself_changes_nothing(scores: list[int]) -> None:
    assert best_first(scores, scores) == best_first(scores)


def test_chinese_and_english_words_carry_content_and_function_words_do_not() -> None:
    assert content_words("The models are in the U.K., it's GPT-4's.") == [
        "model", "u", "k", "gpt", "4",
    ]  # fmt: skip
    assert content_words("模型的速度") == ["模型", "速度"]
    assert content_words("Cities' buses pass us; analysis.") == ["city", "buse", "pass", "analysis"]
