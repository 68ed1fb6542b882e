"""Where sentences end, and where a full stop, a line break or a quotation mark does not end one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.text.sentence_ends import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, 0, len(text))]


@pytest.mark.parametrize(
    "expected",
    [
        ["One.", "Two!", "Three?", "Four"],
        ["It fell.", "20 died.", "“Really?”", "She left."],
        ["He came!", "¿Why?", "Él lo sabe."],
        ["Привет мир.", "Это тест.", "هل هذا نص؟", "نعم."],
        ["Then left...", "Nobody came.", "Well... maybe."],
        ['She said "Yes."', "Then she left."],
        ['"Stop." he said.', "Yahoo! is a firm.", "`x` is code."],
        ["It grew (see below).", "[Sic] It shrank.[12]", "It stayed."],
        ["I use an iPhone.", "iPhone apps are fine."],
    ],
)
def test_sentences_end_before_what_can_begin_one(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected
    assert sentences("\n".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["By 3.5 % (see Fig. 2, e.g. cats, cf. Dogs).", "Next."],
        ["J. Smith et al. 2020 and J. R. R. Tolkien agree with Dr. Who, Prof. X and Mrs. Y."],
        ["Smith et al. (2020) agree with Jones et al.", "The method works."],
        ["The U.S. Congress met in the U.S.", "The end."],
        ["No. 5 is alive.", "He said no.", "Then he left."],
        ["At 5 p.m. they closed.", "On Jan. 5 Acme Inc. reopened."],
        ["Vitamin C.", "It helps.", "See pp. 3 and 4, vol. 2."],
        ["See https://a.example/b?c=d. or mail a.b@c.example, version 1.2.3 of Node.js."],
        ["1. Mix the flour.", "2. Bake it at 180.5 degrees."],
    ],
)
def test_a_full_stop_after_what_is_short_for_something_ends_nothing(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["他说：「好。」", "然后走了！", "真的？", "是"],
        ["“我不知道……”", "他说……然后走了。"],
        ["版本3.5发布了。", "模型很快！！", "Node.js很好.", "然后走了?", "是的。"],
        ["很好；很快。"],
        ["第" * 45 + "；", "第二。"],
    ],
)
def test_chinese_sentences_need_no_space_between_them(expected: list[str]) -> None:
    assert sentences("".join(expected)) == expected


def test_a_text_in_both_languages_is_divided_by_the_rules_of_both() -> None:
    expected = ["模型很快。", "It is fast.", "真的。", "(Really?)", "是。"]
    assert sentences("模型很快。It is fast. 真的。 (Really?) 是。") == expected


@given(st.text("aB1.!?。！；… \n\"')[]”中", max_size=60))
def test_nothing_but_white_space_is_outside_the_sentences(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in found)


@given(st.text('aB1.!?。 \n"', max_size=30), st.text('aB1.!?。 \n"', max_size=30))
def test_what_is_outside_the_bounds_counts_for_nothing(text: str, around: str) -> None:
    whole = around + text + around
    start = len(around)
    spans = sentence_spans(whole, start, start + len(text))
    assert [whole[begin:end] for begin, end in spans] == sentences(text)
