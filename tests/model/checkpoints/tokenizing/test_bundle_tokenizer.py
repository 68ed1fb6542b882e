"""The rules of `bundle.BundleTokenizer` hold for tokenizers other than the default's too."""

from pathlib import Path

import pytest

from bundle import BundleTokenizer
from model.checkpoints.tokenizing import ensure_tokenizer
from tests.model.checkpoints.tokenizing import checkpoints


@pytest.fixture(scope="module")
def byte_fallback(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    directory = tmp_path_factory.mktemp("mt5")
    checkpoints.mt5(directory)
    return BundleTokenizer(ensure_tokenizer(directory))


@pytest.mark.parametrize("text", ["</s>", "a <pad> b", "<0x41>", "<0x0A><unk>", "⸎ 😀"])
def test_text_comes_back_as_it_was_whatever_it_looks_like(
    byte_fallback: BundleTokenizer, text: str
) -> None:
    assert byte_fallback.decode(byte_fallback.encode(text)) == text


def test_a_wrong_byte_leaves_what_came_before_it(byte_fallback: BundleTokenizer) -> None:
    ids = byte_fallback._tokenizer.get_vocab()
    tokens = ["<0x41>", "<0xFF>", "<0xE4>", "<0xBD>", "<0xA0>", "<0x42>"]
    stream = byte_fallback.stream()
    pieces = [stream.push(ids[token]) for token in tokens]
    assert pieces == ["A", "", "", "", "\ufffd你", "B"]
    assert byte_fallback.decode([ids[token] for token in tokens]) == "A\ufffd你B"


def test_a_token_has_a_longest_text_only_where_no_text_is_lost(
    byte_fallback: BundleTokenizer, tmp_path: Path
) -> None:
    assert byte_fallback.longest_token_bytes is None
    checkpoints.bart(tmp_path)
    bound = BundleTokenizer(ensure_tokenizer(tmp_path)).longest_token_bytes
    assert bound is not None
    assert bound >= len("the")


@pytest.mark.parametrize("family", ["bart", "t5", "mt5", "pegasus", "mbart", "bpe"])
def test_the_texts_of_single_tokens_make_the_text(family: str, tmp_path: Path) -> None:
    checkpoints.MAKERS[family](tmp_path)
    tokenizer = BundleTokenizer(ensure_tokenizer(tmp_path))
    ids = tokenizer.encode("the cat sat, on the mat")
    spelled = b"".join(map(tokenizer.spelling.text, ids))
    assert len(ids) > 3
    assert spelled.decode().strip() == tokenizer.decode(ids).strip()


def test_byte_tokens_are_spelled_as_bytes(byte_fallback: BundleTokenizer) -> None:
    ids = byte_fallback._tokenizer.get_vocab()
    spelling = byte_fallback.spelling
    assert [spelling.text(ids[token]) for token in ("<0xE4>", "<0x41>")] == [b"\xe4", b"A"]
