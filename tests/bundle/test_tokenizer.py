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
