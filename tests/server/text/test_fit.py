"""What fits a model, and what the refusal of a longer document says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.normalise import normalise
from server.errors import InvalidRequest
from server.text.fit import encode_within, too_long
from tests.server.factories import BUNDLE

SENTENCE = "Attention lets  a decoder\n look back. "


def fit(document: str, limit: int, before: str = "") -> list[int]:
    text = before + normalise(document)
    ids = encode_within(text, BUNDLE.tokenizer, limit)
    if ids is None:
        raise too_long(document, text, BUNDLE.tokenizer, limit)
    return ids


def refusal(document: str, limit: int, before: str = "") -> re.Match[str]:
    with pytest.raises(InvalidRequest) as caught:
        fit(document, limit, before)
    (violation,) = caught.value.violations
    assert violation.field == "document"
    said = re.fullmatch(
        r"has (?P<size>[a-z \d]+) tokens, at most (?P<limit>\d+) are read at once, which is the "
        r"first (?P<fits>\d+) of its (?P<characters>\d+) characters: leave out "
        r"long_document_policy, or split it \(about (?P<piece>\d+) characters a piece\)",
        violation.description,
    )
    assert said is not None
    return said


def test_the_limit_is_inclusive() -> None:
    tokens = BUNDLE.tokenizer.encode(normalise(SENTENCE))
    assert fit(SENTENCE, len(tokens)) == tokens
    assert refusal(SENTENCE, len(tokens) - 1)["size"] == str(len(tokens))


@given(
    st.text("ab c\n\t模é🙂", min_size=30).filter(lambda text: len(normalise(text)) > 20),
    st.integers(1, 6),
    st.sampled_from(["", "summarize: "]),
)
def test_what_is_said_to_fit_does(document: str, limit: int, before: str) -> None:
    limit += len(BUNDLE.tokenizer.encode(before))
    try:
        fit(document, limit, before)
    except InvalidRequest:
        said = refusal(document, limit, before)
        fits = int(said["fits"])
        assert int(said["characters"]) == len(document)
        # Where it is cut, the last word may be spelled with a token more than as part of the whole.
        assert len(BUNDLE.tokenizer.encode(before + normalise(document[:fits]))) <= limit + 1
        assert 1 <= int(said["piece"]) <= max(1, fits)


def test_a_document_that_is_far_too_long_is_told_the_same_without_being_tokenised() -> None:
    document = SENTENCE * 400
    said, far = refusal(document, 60), refusal(document * 10, 60)
    assert far["size"].startswith("more than ")
    assert (far["fits"], far["piece"]) == (said["fits"], said["piece"])
    assert fit(document[: int(said["fits"])], 60)


def test_pieces_of_the_size_that_is_named_fit() -> None:
    document = SENTENCE * 100
    piece = int(refusal(document, 60)["piece"])
    for start in range(0, len(document), piece):
        assert fit(document[start : start + piece], 60)
