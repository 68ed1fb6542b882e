"""What a request may ask of a model."""

import pytest

from server.errors import InvalidRequest
from server.text.validate import resolve
from tests.server.factories import make_model, make_request


def violations(**request: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        resolve(make_request(**request), make_model(max_document_bytes=100))  # type: ignore[arg-type]
    return {violation.field: violation.description for violation in caught.value.violations}


@pytest.mark.parametrize("document", ["", " ", "\n\t\u3000"])
def test_an_empty_or_blank_document_is_refused(document: str) -> None:
    assert "blank" in violations(document=document)["document"]


def test_a_document_of_too_many_bytes_is_told_its_size_and_the_limit() -> None:
    problem = violations(document="模" * 34)["document"]
    assert "102 bytes" in problem
    assert "100" in problem


def test_a_document_of_just_the_limit_is_served() -> None:
    resolve(make_request("x" * 100), make_model(max_document_bytes=100))


def test_an_unknown_style_is_told_which_there_are() -> None:
    problem = violations(style="shouting")["style"]
    assert "'shouting'" in problem
    assert "brief, headline, detailed, paper" in problem


def test_an_unknown_language_is_told_which_there_are() -> None:
    assert "en, zh" in violations(language="fr")["language"]


@pytest.mark.parametrize("language", ["", "en", "EN", "zh-Hans", "en-GB"])
def test_a_language_of_the_model_or_none_is_served(language: str) -> None:
    resolve(make_request(language=language), make_model())


@pytest.mark.parametrize("max_tokens", [0, 513])
def test_a_limit_out_of_range_is_told_the_range(max_tokens: int) -> None:
    problem = violations(max_tokens=max_tokens)["options.max_tokens"]
    assert problem == f"is {max_tokens}, must be from 1 to 512"


def test_more_least_tokens_than_most_tokens_are_refused() -> None:
    assert (
        "at most options.max_tokens = 5"
        in violations(max_tokens=5, min_tokens=6)["options.min_tokens"]
    )


def test_all_violations_are_told_at_once() -> None:
    found = violations(document=" ", style="shouting", language="fr", max_tokens=0)
    assert found.keys() == {"document", "style", "language", "options.max_tokens"}


def test_what_is_not_said_takes_the_defaults_of_the_style() -> None:
    resolved = resolve(make_request(style="headline"), make_model())
    assert resolved.style.name == "headline"
    assert resolved.options.max_tokens == resolved.style.defaults.max_tokens
    assert resolved.options.no_repeat_ngram_size == resolved.style.defaults.no_repeat_ngram_size


@pytest.mark.parametrize("name", ["no_repeat_ngram_size", "no_repeat_word_ngram_size"])
def test_a_zero_that_was_said_is_not_taken_for_unsaid(name: str) -> None:
    resolved = resolve(make_request(**{name: 0}), make_model())
    assert getattr(resolved.options, name) == 0
