"""Text to ids and back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle import BundleError, BundleTokenizer
from bundle.normalise import normalise
from tests.bundle.conftest import DEFAULT_BUNDLE

TOKENIZER = BundleTokenizer(DEFAULT_BUNDLE / "tokenizer.json")
NUM_SPECIAL = 8


@pytest.mark.parametrize("text", ["</s>", "<headline>", "a <pad> b", "<mask><gap>"])
def test_text_that_looks_like_a_special_token_is_text(text: str) -> None:
    ids = TOKENIZER.encode(text)
    assert min(ids) >= NUM_SPECIAL
    assert TOKENIZER.decode(ids) == text


@given(st.text())
def test_any_normalised_text_comes_back_as_it_was(text: str) -> None:
    text = normalise(text)
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.text())
def test_streamed_pieces_are_a_beginning_of_the_text_and_never_half_a_character(text: str) -> None:
    text = normalise(text)
    stream = TOKENIZER.stream()
    pieces = [stream.push(token) for token in TOKENIZER.encode(text)]
    assert "".join(pieces) == text
    assert all("\ufffd" not in piece or "\ufffd" in text for piece in pieces)


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("[]", "utf-8")
    with pytest.raises(BundleError, match=r"tokenizer\.json: not a tokenizer\.json"):
        BundleTokenizer(path)


@given(
    st.text(
        st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" e\u0301中\U0001f600"))
    )
)
def test_tokens_know_where_they_stand_in_a_text_and_in_what_is_decoded(text: str) -> None:
    text = normalise(text)
    ids, spans = TOKENIZER.encode(text), TOKENIZER.spans(text)
    assert len(spans) == len(ids)
    decoded = TOKENIZER.spans_of(ids)
    # Tokens that share a character have one span in what is decoded, and it may begin earlier.
    for (start, end), (own_start, own_end) in zip(decoded, spans, strict=True):
        assert start <= own_start
        assert end == own_end
    distinct = sorted(set(decoded))
    assert "".join(text[start:end] for start, end in distinct) == text
    assert [start for start, _ in distinct[1:]] == [end for _, end in distinct[:-1]]


def test_a_special_token_has_no_span_and_an_unfinished_character_has_what_stands_for_it() -> None:
    one, *_ = face = TOKENIZER.encode("\U0001f600")
    assert len(face) > 1
    assert TOKENIZER.spans_of([4, *TOKENIZER.encode("ab"), one]) == [(0, 0), (0, 2), (2, 3)]
    assert TOKENIZER.decode([*TOKENIZER.encode("ab"), one]) == "ab\ufffd"
