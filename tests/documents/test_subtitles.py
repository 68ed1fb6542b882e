"""Subtitles: the words and who says them."""

import pytest

from precis_documents import subtitles
from precis_documents._types import Refused


def text(*cues: tuple[float, str], head: str = "") -> str:
    """What is read of cues of one second each, which begin at the given seconds."""
    blocks = [
        f"{number}\n00:00:{start:06.3f} --> 00:00:{start + 1:06.3f}\n{lines}\n"
        for number, (start, lines) in enumerate(cues, start=1)
    ]
    return subtitles.convert((head + "\n".join(blocks)).encode()).text


def test_the_lines_of_a_turn_are_joined_without_times_and_numbers() -> None:
    assert text((1, "This goes\non and"), (2, "on.")) == "This goes on and on."


def test_a_pause_ends_a_paragraph() -> None:
    assert text((1, "One."), (5.9, "Two."), (11, "Three.")) == "One. Two.\n\nThree."


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("ANN: Hello.\nBob Smith: Hi.", "ANN: Hello.\n\nBob Smith: Hi."),
        ("<v Ann>Hello.</v>\n<v.loud Bob>Hi.", "Ann: Hello.\n\nBob: Hi."),
        (">> ANN: Hello.\n>> Hi.", "ANN: Hello.\n\nHi."),
        ("- Hello.\n- Hi.", "Hello.\n\nHi."),
        ("It is 10:30 now, he said: go.", "It is 10:30 now, he said: go."),
        ("<i>Hello</i> <c.red>you</c>{\\an8} &amp; <00:01.000>me", "Hello you & me"),
    ],
)
def test_speakers_are_kept_and_markup_is_not(lines: str, expected: str) -> None:
    assert text((1, lines)) == expected


def test_a_speaker_goes_on_in_the_next_cue_and_after_a_pause() -> None:
    cues = (1, "ANN: One."), (2, "Two."), (20, "Three."), (21, "ANN: Four.")
    assert text(*cues) == "ANN: One. Two.\n\nANN: Three.\n\nANN: Four."


def test_rolling_captions_are_read_once() -> None:
    assert text((1, "we begin"), (2, "we begin\nhere and"), (3, "here and\nend")) == (
        "we begin here and end"
    )


def test_webvtt_has_settings_and_notes_that_are_no_words() -> None:
    page = (
        "WEBVTT Kind: captions\n\nNOTE\nnot said\n\nSTYLE\n::cue {}\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start\nHello.\n\n00:02.500 --> 00:03.000\nBye.\n"
    )
    assert subtitles.convert(page.encode()).text == "Hello. Bye."


def test_cues_without_blank_lines_between_are_read() -> None:
    cues = "1\n00:00:01,0 --> 00:00:02,0\nOne.\n2\n00:00:02,0 --> 00:00:03,0\nTwo.\n"
    assert subtitles.convert(cues.encode()).text == "One. Two."


def test_what_has_no_times_is_refused() -> None:
    with pytest.raises(Refused, match="has no subtitles with times"):
        subtitles.convert(b"WEBVTT\n\nHello.")


def test_another_encoding_may_be_named() -> None:
    content = "00:01.000 --> 00:02.000\nSch\u00f6n.".encode("cp1252")
    assert subtitles.convert(content, "cp1252").text == "Sch\u00f6n."
    with pytest.raises(Refused, match="not UTF-8 text"):
        subtitles.convert(content)
