"""Where sentences end, and where a full stop does not end one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.data.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('She said "Yes." Then she left.', ['She said "Yes."', "Then she left."]),
        ("By 3.5 % (see Fig. 2, e.g. cats).", ["By 3.5 % (see Fig. 2, e.g. cats)."]),
        ("J. Smith et al. 2020 agree.", ["J. Smith et al. 2020 agree."]),
        ("It fell. 20 died.", ["It fell.", "20 died."]),
        ("A heading\nA text", ["A heading", "A text"]),
        ("他说：「好。」然后走了！真的？是", ["他说：「好。」", "然后走了！", "真的？", "是"]),
        ("模型很快。It is fast. 真的。", ["模型很快。", "It is fast.", "真的。"]),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_say(text: str, expected: list[str]) -> None:
    assert split_sentences(text) == expected


@given(st.text(alphabet="aB1.!?。！ \n\"')", max_size=60))
def test_no_character_but_white_space_is_lost(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
