"""ROUGE in two languages, on cases small enough to count by hand."""

import pytest

from model.evaluation.rouge import HanTokenizer, Rouge, mean, rouge


def test_english_counts_stemmed_words_whatever_their_case() -> None:
    assert rouge("The models run.", "the model is running", "en") == pytest.approx(
        Rouge(100 * 6 / 7, 100 * 2 / 5, 100 * 6 / 7)
    )


def test_chinese_counts_characters_and_whole_words_of_other_scripts() -> None:
    tokens = HanTokenizer().tokenize("GPT-4模型、很 Good。\U00020000")
    assert tokens == ["gpt", "4", "模", "型", "很", "good", "\U00020000"]
    assert rouge("新模型", "旧模型", "zh") == Rouge(
        pytest.approx(200 / 3), pytest.approx(50.0), pytest.approx(200 / 3)
    )


def test_punctuation_counts_for_nothing() -> None:
    assert rouge("新、模型。", "新模型", "zh") == Rouge(100, 100, 100)
    assert rouge("a new, model.", "a new model", "en") == Rouge(100, 100, 100)


def test_a_summary_of_nothing_scores_nothing() -> None:
    assert rouge("新模型", "", "zh") == Rouge(0, 0, 0)


def test_each_document_counts_alike_in_the_mean() -> None:
    assert mean([Rouge(100, 50, 80), Rouge(0, 10, 20)]) == Rouge(50, 30, 50)


def test_scores_print_with_one_decimal() -> None:
    assert str(Rouge(54.84, 32.4, 46.949)) == "54.8 / 32.4 / 46.9"
