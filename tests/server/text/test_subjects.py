"""Whether a document is about one thing or several, by what its far ends share."""

from hypothesis import given
from hypothesis import strategies as st

from server.text.content_words import content_words
from server.text.structure import split
from server.text.subjects import SEVERAL_BELOW, distant_similarity, has_several_subjects

RIVER = (
    "The river rose for three days. Water reached the bridge on the second day of rain. "
    "Engineers closed the bridge and measured the river every hour. More rain fell at night, "
    "and the water came into the lower town. Boats carried people over the flooded river. "
)
ORCHESTRA = (
    "The orchestra opened its season with a symphony. Violins carried the slow movement, and the "
    "conductor took the finale faster than usual. Critics praised the horns. The concert hall was "
    "sold out for every symphony of the season. Musicians rehearsed with the conductor for weeks. "
)
RIVER_ZH = (
    "河水连续上涨三天。洪水在第二天到达大桥。工程师关闭大桥并测量水位。夜间降雨，洪水进入低处城区。"
)
ORCHESTRA_ZH = (
    "乐团以交响曲开始演出季。小提琴演奏慢板乐章。指挥加快终曲速度。评论家称赞圆号。音乐厅门票售罄。"
)


def words(document: str) -> list[list[str]]:
    structure = split(document)
    return [content_words(structure.read(sentence)) for sentence in structure.sentences]


def test_one_subject_throughout_is_told_from_two_after_each_other() -> None:
    for one, other, times in ((RIVER, ORCHESTRA, 24), (RIVER_ZH, ORCHESTRA_ZH, 24)):
        assert not has_several_subjects(words(one * 2 * times))
        assert has_several_subjects(words(one * times + "\n\n" + other * times))


def test_a_subject_that_comes_back_is_shared_by_what_is_far_apart() -> None:
    mixed = distant_similarity(words((RIVER + ORCHESTRA) * 24))
    assert mixed > SEVERAL_BELOW > distant_similarity(words(RIVER * 24 + ORCHESTRA * 24))


def test_a_document_too_short_to_have_parts_has_one_subject() -> None:
    assert distant_similarity([]) == 1000
    assert distant_similarity([[]]) == 1000
    assert distant_similarity([["rain"]] * 149) == 1000
    assert distant_similarity([["rain"]] * 80 + [["sun"]] * 80) < 1000


def test_a_remainder_of_half_a_section_is_one_of_its_own() -> None:
    # Two sections of 100 and 50: only the second speaks of the sun.
    assert distant_similarity([["rain"]] * 100 + [["sun"]] * 50) == 0
    assert distant_similarity([["rain"]] * 100 + [["sun"]] * 49) == 1000


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=40), max_size=30))
def test_a_similarity_is_a_share_of_a_thousand(words: list[list[str]]) -> None:
    assert 0 <= distant_similarity(words) <= 1001
    assert distant_similarity(words) == distant_similarity(words)


def test_a_long_document_has_few_sections() -> None:
    # Every sentence would be a section of its own; a million pairs would take minutes.
    assert distant_similarity([["rain", "sun"] * 50] * 2_000) == 1000
