"""What a document is divided into: blocks of every kind, and sentences with exact offsets."""

import sys
import unicodedata
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.text.structure import LONGEST_SENTENCE, Structure, split

LONG = "This paragraph is long enough that a short line above it reads like its heading."

PIECES = (
    "\n", "\n\n", "\r\n", " ", "\t", "    ", "# ", "- ", "> ", "1. ", "a) ", "一、", "```", "~~~",
    "|", "===", "---", "==", "<p>", "</p>", "<h1>", "</h1>", "<li>", "<td>", "<pre>", "</pre>",
    "<br", "a", "B.", "see e.g. ", "中", "。", "”", "X: ", "张三：", "x = 1;", "From: a",
    "Subject: ", "1 2 3", "é", "e\u0301", "🙂", "👩\u200d🚀", "שלום", "مرحبا؟", "\u2028", "\x1c",
    LONG,
)  # fmt: skip


def kinds(document: str) -> list[tuple[str, str]]:
    """Each block's kind, and its text as a reader sees it."""
    structure = split(document)
    check(structure)
    return [
        (
            block.kind.name,
            " ".join(structure.read(s) for s in structure.sentences if s.block == number)
            if block.kind.has_sentences
            else document[block.start : block.end],
        )
        for number, block in enumerate(structure.blocks)
    ]


def check(structure: Structure) -> None:
    """Every visible character is in one sentence, block without sentences or mark; all in order."""
    document = structure.document
    spans = [(sentence.start, sentence.end) for sentence in structure.sentences]
    assert spans == sorted(spans)
    for sentence in structure.sentences:
        text = document[sentence.start : sentence.end]
        assert text == text.strip() != ""
        assert len(text) <= LONGEST_SENTENCE
        block = structure.blocks[sentence.block]
        assert block.kind is sentence.kind
        assert block.start <= sentence.start < sentence.end <= block.end
    assert structure.blocks == sorted(structure.blocks, key=lambda block: block.start)
    spans += [block[1:] for block in structure.blocks if not block.kind.has_sentences]
    spans += structure.marks
    covered = [0] * len(document)
    for start, end in spans:
        for place in range(start, end):
            covered[place] += 1
    for character, times in zip(document, covered, strict=True):
        assert times == 1 or (times == 0 and character.isspace())


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("# Title #\nText. More.", [("HEADING", "Title"), ("PARAGRAPH", "Text. More.")]),
        ("Title\n=====\nText.", [("HEADING", "Title"), ("PARAGRAPH", "Text.")]),
        ("Title\n---\nText.", [("HEADING", "Title"), ("PARAGRAPH", "Text.")]),
        ("== Title ==\nText.", [("HEADING", "Title"), ("PARAGRAPH", "Text.")]),
        ("Text.\n\n---\n\nText.", [("PARAGRAPH", "Text."), ("PARAGRAPH", "Text.")]),
        (f"Methods\n{LONG}", [("HEADING", "Methods"), ("PARAGRAPH", LONG)]),
        (f"3.1 Methods\n\n{LONG}", [("HEADING", "3.1 Methods"), ("PARAGRAPH", LONG)]),
        ("引言\n\n这是正文。", [("HEADING", "引言"), ("PARAGRAPH", "这是正文。")]),
        ("Attention", [("PARAGRAPH", "Attention")]),
        (
            "Rose\n\nLily\n\nTulip\n\nEnd.",
            [("PARAGRAPH", t) for t in ("Rose", "Lily", "Tulip", "End.")],
        ),
        (
            "- one\n- two\n  and more\n* [x] done",
            [("LIST_ITEM", t) for t in ("one", "two and more", "done")],
        ),
        ("1. One.\n2. Two.\n10) Ten.", [("LIST_ITEM", t) for t in ("One.", "Two.", "Ten.")]),
        ("一、项目\n2、项目\n（三）项目", [("LIST_ITEM", "项目")] * 3),
        (
            "It happened in the year\n12. That is sure.",
            [("PARAGRAPH", "It happened in the year"), ("PARAGRAPH", "12. That is sure.")],
        ),
        (
            "> Quoted text\n> goes on.\n>\n> Next.",
            [("QUOTE", "Quoted text goes on."), ("QUOTE", "Next.")],
        ),
        (">> Deep.\nAnswer.", [("QUOTE", "Deep."), ("PARAGRAPH", "Answer.")]),
        (
            "ANNA: Hello. You?\nBob Lee: Fine.",
            [("TURN", "ANNA: Hello. You?"), ("TURN", "Bob Lee: Fine.")],
        ),
        (
            "[00:01:02] Speaker 1: Hi.\n张三：你好。",
            [("TURN", "[00:01:02] Speaker 1: Hi."), ("TURN", "张三：你好。")],
        ),
        (
            "```py\nx = 1\n\n# no\n```\nText.",
            [("CODE", "```py\nx = 1\n\n# no\n```"), ("PARAGRAPH", "Text.")],
        ),
        ("```\nnever closed.", [("PARAGRAPH", "``` never closed.")]),
        (
            "So:\n\ndef f(x):\n    return x\n\nEnd.",
            [("PARAGRAPH", "So:"), ("CODE", "def f(x):\n    return x"), ("PARAGRAPH", "End.")],
        ),
        (
            "| a | b |\n|---|---|\n| 1 | 2 |",
            [("TABLE_ROW", "| a | b |"), ("TABLE_ROW", "| 1 | 2 |")],
        ),
        (
            "x\ty\tz\n1.5 2.5 3.5\n1,2,3",
            [("TABLE_ROW", t) for t in ("x\ty\tz", "1.5 2.5 3.5", "1,2,3")],
        ),
        (
            "<h2>Title</h2><p>One. Two.<p>Three.",
            [("HEADING", "Title"), ("PARAGRAPH", "One. Two."), ("PARAGRAPH", "Three.")],
        ),
        (
            "<pre>x. Y.</pre>Text <b>bold</b>.",
            [("CODE", "<pre>x. Y.</pre>"), ("PARAGRAPH", "Text <b>bold</b>.")],
        ),
        ("Write `<p>` here.", [("PARAGRAPH", "Write `<p>` here.")]),
        (
            "From: a@b.example\nSubject: Rain\nDate: 5 May\n\nIt rains.",
            [("HEADING", "Rain"), ("PARAGRAPH", "It rains.")],
        ),
    ],
)
def test_a_document_is_read_as_the_blocks_that_a_reader_sees(
    document: str, expected: list[tuple[str, str]]
) -> None:
    assert kinds(document) == expected


def test_a_sentence_goes_on_over_the_lines_of_wrapped_text_and_ends_with_a_verse() -> None:
    wrapped = (
        "The committee met on Tuesday to talk about the budget of\nthe coming year. It was long."
    )
    assert [s for _, s in kinds(wrapped)] == [wrapped.replace("\n", " ")]
    assert len(split(wrapped).sentences) == 2
    verse = "Tyger Tyger, burning bright\nIn the forests of the night"
    assert [s for _, s in kinds(verse)] == verse.split("\n")


def test_what_a_colon_introduces_on_the_next_line_is_not_part_of_its_sentence() -> None:
    document = "At least one of these must be true for you to apply:\nYou served.\nYou serve."
    assert [s for _, s in kinds(document)] == document.split("\n")
    assert len(kinds("He asked for one thing and for one thing only:\nthat it ends.")) == 1


def test_marks_are_where_they_stand_in_the_document() -> None:
    document = "# Title\n- item\n> quote\n---\n<p>Text.\n[a]: b"
    structure = split(document)
    assert [document[a:b] for a, b in structure.marks] == ["#", "-", "> ", "---", "<p>", "[a]: b"]


def test_headings_code_and_tables_are_not_worth_quoting() -> None:
    document = "# Title\nText.\n\n```\ncode\n```\n|a|b|\n\n- item"
    structure = split(document)
    assert [(structure.read(s), s.is_worthy) for s in structure.sentences] == [
        ("Title", False),
        ("Text.", True),
        ("item", True),
    ]


@pytest.mark.parametrize("document", ["", " \n\t\n", "# \n\n> \n---\n<p></p>"])
def test_a_document_without_words_has_no_sentences(document: str) -> None:
    structure = split(document)
    check(structure)
    assert structure.sentences == []


@pytest.mark.parametrize("word", ["word ", "字", "字，", "👩\u200d🚀", "e\u0301"])
def test_a_sentence_without_an_end_is_cut_into_pieces_that_say_so(word: str) -> None:
    document = word * (100_000 // len(word))
    structure = split(document)
    check(structure)
    assert all(sentence.is_piece for sentence in structure.sentences)
    for sentence in structure.sentences[1:]:
        assert document[sentence.start - 1 :].startswith((" ", "，", word[-1]))
        assert unicodedata.category(document[sentence.start])[0] != "M"
        assert document[sentence.start] != "\u200d"


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_nothing_of_a_document_of_any_shape_is_lost(document: str) -> None:
    check(split(document))


@given(st.text(max_size=80))
def test_nothing_of_any_text_is_lost(document: str) -> None:
    structure = split(document)
    check(structure)
    assert split(document) == structure


HOSTILE = [
    "a", ".", "#", "> ", ">\n", "a. ", "A. ", "...\n", "<p>", "<p ", "<pre>", "|", "|a\n", "=",
    "- ", "-\n", "```\n", "```x\n", "~~~", "\n", " ", ". \n", "(", "[1", ".[1]", ".\"",
    "x = 1;\n", "Na: ", "Na: x\n", "1. a\n", "。", "；", "👩\u200d", "\u0301", "1 ", "x\t",
    "Ab cd\n", "Ab\n\n", "From: \n", "שלום. ", "🙂", "`", "==a==\n", "<!--", "a:\n", "U.S. ",
    "e.g. ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_work_in_proportion_to_its_length(piece: str) -> None:
    short, long = (calls(piece * (size // len(piece))) for size in (2_500, 10_000))
    assert long <= 5 * short + 500


def test_lists_nested_without_end_take_work_in_proportion_to_their_length() -> None:
    def nested(depth: int) -> str:
        return "".join("  " * level + "- x\n" for level in range(depth))

    assert calls(nested(200)) <= 5 * calls(nested(50)) + 500


@pytest.mark.parametrize("piece", ["a", ".", "#", "> ", "(", '."', "<p ", "[1", " ", "e.g. ", "= "])
def test_any_amount_of_one_thing_is_divided(piece: str) -> None:
    # A moment; what backtracks or starts again would take hours.
    assert all(s.end - s.start <= LONGEST_SENTENCE for s in split(piece * 200_000).sentences)


def calls(document: str) -> int:
    """How many functions, Python's own included, are called to divide a document."""
    count = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        split(document)
    finally:
        sys.setprofile(None)
    return count
