"""Tokens become words, whatever marks their tokenizer has for a space."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.explain.explanation import joined
from model.explain.words import Word, by_word, mean_by_word, words
from tests.model.factories import DEFAULT_CHECKPOINT

SPECIAL = {0: "end"}
DEFAULT = BundleTokenizer(DEFAULT_CHECKPOINT / "tokenizer.json")


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def metaspace() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def trained(make: Callable[[], Tokenizer], folder: Path) -> BundleTokenizer:
    """One that splits nearly every word: it knows few."""
    tokenizer = make()
    trainer = trainers.BpeTrainer(
        vocab_size=(262 if make is byte_level else 30),
        special_tokens=["</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if make is byte_level else [],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["the cat isn state of art", "' , - ( ) % . 3 5"], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    return BundleTokenizer(folder / "tokenizer.json")


@pytest.mark.parametrize("make", [byte_level, metaspace])
def test_words_are_whole_however_they_were_split(
    make: Callable[[], Tokenizer], tmp_path: Path
) -> None:
    tokenizer = trained(make, tmp_path)
    text = "the cat, state-of-the-art (3.5 %) isn't"
    ids = [*tokenizer.encode(text), 0]
    found = words(tokenizer, ids, SPECIAL)
    assert [word.text for word in found] == [
        *("the", "cat", ",", "state-of-the-art", "(", "3.5", "%", ")", "isn't", "end")
    ]
    assert found[-1] == Word("end", (len(ids) - 1,), True, is_special=True)
    assert joined(tuple(found[:-1])) == text


def test_of_han_characters_each_token_is_a_word() -> None:
    ids = DEFAULT.encode("一种高精度模型，GPT-4很好")
    found = words(DEFAULT, ids, {})
    assert "GPT-4" in [word.text for word in found]
    han = [word for word in found if word.text[0] >= "\u4e00"]
    assert len(han) > 3
    assert all(len(word.tokens) == 1 for word in han)


@given(st.text(alphabet="ab1 .,-(é新模型\U0001f600\n", max_size=40))
def test_every_token_is_in_one_word_and_no_text_is_lost(text: str) -> None:
    text = normalise(text)
    ids = DEFAULT.encode(text)
    found = words(DEFAULT, [4, *ids, 1], {4: "style", 1: "end"})
    assert [token for word in found for token in word.tokens] == list(range(len(ids) + 2))
    assert joined(tuple(found[1:-1])) == text


def test_a_word_looks_as_its_tokens_do_and_is_looked_at_as_all_of_them() -> None:
    weights = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.0, 1.0, 0.0]])
    rows = [Word("ab", (0, 1), True), Word("c", (2,), True)]
    columns = [Word("x", (0,), True), Word("yz", (1, 2), True)]
    expected = torch.tensor([[0.3, 0.7], [0.0, 1.0]])
    torch.testing.assert_close(by_word(weights, rows, columns), expected)
    torch.testing.assert_close(
        mean_by_word(torch.tensor([0.2, 0.4, 1.0]), rows), torch.tensor([0.3, 1.0])
    )
