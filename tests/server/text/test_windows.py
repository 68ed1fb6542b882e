"""How a long document is divided into windows: whole, even, and where a reader would divide it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.text.blocks import BlockKind
from server.text.structure import Sentence, split
from server.text.windows import fitted, windows

KINDS = st.sampled_from([BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.LIST_ITEM])


def made(kinds: Sequence[BlockKind], sentences_each: int = 1) -> list[Sentence]:
    """Blocks of as many sentences each; a sentence takes eight characters, with a space after."""
    numbers = [number for number in range(len(kinds)) for _ in range(sentences_each)]
    return [
        Sentence(9 * place, 9 * place + 8, number, kinds[number])
        for place, number in enumerate(numbers)
    ]


def plain(count: int) -> list[Sentence]:
    return made([BlockKind.PARAGRAPH], count)


@given(st.lists(KINDS, max_size=30), st.integers(1, 3), st.data(), st.integers(12, 60))
def test_windows_take_every_sentence_once_and_keep_within_the_room(
    kinds: list[BlockKind], each: int, data: st.DataObject, room: int
) -> None:
    sentences = made(kinds, each)
    counts = data.draw(
        st.lists(st.integers(0, room), min_size=len(sentences), max_size=len(sentences))
    )
    found = windows(sentences, counts, room)
    assert [place for w in found for place in range(w.first, w.stop)] == list(range(len(sentences)))
    for window in found:
        assert sum(counts[window.first : window.stop]) <= room
        assert window.start == sentences[window.first].start
        assert window.end == sentences[window.stop - 1].end
    assert windows(sentences, counts, room) == found


@given(st.lists(st.integers(1, 10), min_size=1, max_size=300), st.integers(100, 200))
def test_no_window_is_tiny(counts: list[int], room: int) -> None:
    found = windows(plain(len(counts)), counts, room)
    sizes = [sum(counts[window.first : window.stop]) for window in found]
    if len(sizes) > 1:
        assert min(sizes) >= room // 3 - 10


def test_what_fits_is_one_window_and_what_is_a_little_too_long_is_two_halves() -> None:
    assert [(w.first, w.stop) for w in windows(plain(10), [10] * 10, 100)] == [(0, 10)]
    assert [(w.first, w.stop) for w in windows(plain(12), [10] * 12, 110)] == [(0, 6), (6, 12)]
    assert windows([], [], 100) == []


def test_a_document_is_divided_before_a_heading_else_before_a_block() -> None:
    kinds = [BlockKind.PARAGRAPH] * 4 + [BlockKind.HEADING] + [BlockKind.PARAGRAPH] * 3
    found = windows(made(kinds, 2), [10] * 16, 110)
    assert [(w.first, w.stop) for w in found] == [(0, 8), (8, 16)]
    # The middle is inside the third block of five.
    found = windows(made([BlockKind.PARAGRAPH] * 5, 3), [10] * 15, 100)
    assert [(w.first, w.stop) for w in found] == [(0, 6), (6, 15)]


def test_a_heading_stays_with_what_it_heads_be_it_another_heading() -> None:
    kinds = [BlockKind.PARAGRAPH] * 3 + [BlockKind.HEADING] * 2 + [BlockKind.PARAGRAPH] * 3
    found = windows(made(kinds), [10] * 8, 50)
    assert [(w.first, w.stop) for w in found] == [(0, 3), (3, 8)]


def test_a_heading_near_the_beginning_makes_no_tiny_window() -> None:
    kinds = [BlockKind.PARAGRAPH, BlockKind.HEADING] + [BlockKind.PARAGRAPH] * 6
    found = windows(made(kinds), [10] * 8, 50)
    assert [(w.first, w.stop) for w in found] == [(0, 4), (4, 8)]


def test_a_sentence_larger_than_the_room_is_refused_with_both_sizes() -> None:
    with pytest.raises(ValueError, match="a sentence has 101 tokens, more than the room of 100"):
        windows(plain(2), [5, 101], 100)
    with pytest.raises(ValueError, match="1 token counts for 2 sentences"):
        windows(plain(2), [5], 100)


def test_fitting_leaves_sentences_that_fit_and_halves_the_others_at_white_space() -> None:
    document = "One two. Three four five six seven eight nine ten. End."
    sentences, counts = fitted(
        document, split(document).sentences, lambda text: len(text.split()), 4
    )
    assert [document[s.start : s.end] for s in sentences] == [
        "One two.",
        "Three four five six",
        "seven eight nine ten.",
        "End.",
    ]
    assert counts == [2, 4, 4, 1]
    assert [s.is_piece for s in sentences] == [False, True, True, False]


@given(st.text("ab 字\n", max_size=60), st.integers(1, 9))
def test_fitting_loses_nothing_and_fits(document: str, room: int) -> None:
    sentences, counts = fitted(document, split(document).sentences, len, room)
    texts = [document[s.start : s.end] for s in sentences]
    assert counts == [len(text) for text in texts]
    assert all(0 < count <= room for count in counts)
    assert "".join("".join(texts).split()) == "".join(document.split())
    assert [w.first for w in windows(sentences, counts, room)][:1] == ([0] if sentences else [])


def test_a_character_that_fits_no_room_is_refused_with_its_size() -> None:
    with pytest.raises(ValueError, match="one character has 3 tokens, more than the room of 2"):
        fitted("字", split("字").sentences, lambda text: 3, 2)
