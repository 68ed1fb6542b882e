"""A tokenizer trained here is of the default's kind, and loses nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.data.records import read_records
from model.training.config import TokenizerConfig, TrainingConfigError
from model.training.tokenizer import save_tokenizer, train_tokenizer
from tests.model.factories import DATA

CONFIG = TokenizerConfig(vocabulary_size=500, styles=("brief", "paper"), max_characters=60_000)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    directory = tmp_path_factory.mktemp("tokenizer")
    records = read_records(DATA / "arxiv_tldr_en.jsonl") + read_records(
        DATA / "arxiv_tldr_zh.jsonl"
    )
    texts = [record.document for record in records[::8]]
    save_tokenizer(train_tokenizer(texts, CONFIG, shown=False), directory, 128)
    return BundleTokenizer(directory / "tokenizer.json")


def test_special_tokens_come_first_and_the_vocabulary_is_full(tokenizer: BundleTokenizer) -> None:
    assert tokenizer.vocab_size == 500
    assert tokenizer.decode([0, 1, 2, 3, 4, 5]) == ""
    assert tokenizer.decode([6]) != ""


def test_words_of_the_texts_are_short_and_callers_make_no_special_token(
    tokenizer: BundleTokenizer,
) -> None:
    assert len(tokenizer.encode(" the model")) < len(" the model") / 2
    assert min(tokenizer.encode("</s><brief>")) > 5


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_normal_text_comes_back(tokenizer: BundleTokenizer, text: str) -> None:
    normal = normalise(text)
    assert tokenizer.decode(tokenizer.encode(normal)) == normal


def test_a_vocabulary_too_small_for_bytes_and_special_tokens_is_refused() -> None:
    with pytest.raises(TrainingConfigError, match=r"200; .* alone are 261"):
        train_tokenizer([], TokenizerConfig(vocabulary_size=200, styles=("brief",)), shown=False)


def test_reading_stops_at_so_many_characters() -> None:
    config = TokenizerConfig(vocabulary_size=300, styles=(), max_characters=10)

    def texts():
        yield "abcabcabcabc"
        pytest.fail("read on")

    assert train_tokenizer(texts(), config, shown=False).get_vocab_size() < 300


def test_the_files_say_what_hugging_face_needs(tmp_path: Path) -> None:
    save_tokenizer(train_tokenizer(["ab"], CONFIG, shown=False), tmp_path, 128)
    text = (tmp_path / "tokenizer_config.json").read_text()
    assert '"eos_token": "</s>"' in text
    assert '"model_max_length": 128' in text
