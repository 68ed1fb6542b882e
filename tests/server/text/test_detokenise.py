"""Tokens to text as they come."""

from hypothesis import given
from hypothesis import strategies as st

from bundle.tokenizer import BundleTokenizer
from server.text.detokenise import Detokeniser
from tests.bundle.conftest import DEFAULT_BUNDLE

TOKENIZER = BundleTokenizer(DEFAULT_BUNDLE / "tokenizer.json")
token_lists = st.lists(st.integers(8, TOKENIZER.vocab_size - 1), max_size=40)


def stream(tokens: list[int]) -> tuple[list[str], Detokeniser]:
    detokeniser = Detokeniser(TOKENIZER)
    pieces = [detokeniser.push(token) for token in tokens]
    return [*pieces, detokeniser.finish()], detokeniser


@given(token_lists)
def test_whatever_a_model_writes_the_pieces_joined_are_the_text_decoded_at_once(
    tokens: list[int],
) -> None:
    pieces, detokeniser = stream(tokens)
    assert "".join(pieces) == detokeniser.text
    assert detokeniser.text == TOKENIZER.decode(tokens).strip()


@given(st.text(alphabet="ab 模型🙂é"))
def test_a_character_of_several_tokens_comes_whole(text: str) -> None:
    pieces, _ = stream(TOKENIZER.encode(text))
    assert all("\ufffd" not in piece for piece in pieces)


def test_white_space_waits_for_what_follows_it() -> None:
    pieces, detokeniser = stream(TOKENIZER.encode(" two words "))
    assert not any(piece != piece.rstrip() for piece in pieces)
    assert detokeniser.text == "two words"


def test_a_character_that_never_became_whole_is_shown_as_such_at_the_end() -> None:
    first_byte_of_an_emoji = TOKENIZER.encode("🙂")[0]
    pieces, detokeniser = stream([*TOKENIZER.encode("ok"), first_byte_of_an_emoji])
    assert pieces[-1] == "\ufffd"
    assert detokeniser.text == "ok\ufffd"


@given(token_lists, token_lists)
def test_tokens_that_are_held_come_with_the_rest(streamed: list[int], held: list[int]) -> None:
    detokeniser = Detokeniser(TOKENIZER)
    pieces = [detokeniser.push(token) for token in streamed]
    detokeniser.hold(held)
    pieces.append(detokeniser.finish())
    assert "".join(pieces) == detokeniser.text
    if not streamed:
        assert detokeniser.text == TOKENIZER.decode(held).strip()
