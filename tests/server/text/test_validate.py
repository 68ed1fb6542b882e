"""What a request may ask of a model."""

from dataclasses import replace

import pytest

from bundle.manifest import Style
from server.errors import InvalidRequest, NotServed, Violation
from server.text.validate import check
from server.types import (
    AttributionLevel,
    DecodingOptions,
    ServedModel,
    SummaryRequest,
)
from tests.server.factories import make_model, make_request

WRONG = Violation("request_id", "is wrong")
UNSERVED = Violation("attribution", "is not served")


def resolve(request: SummaryRequest, model: ServedModel) -> tuple[Style, DecodingOptions]:
    return check(request, model, len(request.document.encode()))


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
    style, options = resolve(make_request(style="headline"), make_model())
    assert style.name == "headline"
    assert options.max_tokens == style.defaults.max_tokens
    assert options.no_repeat_ngram_size == style.defaults.no_repeat_ngram_size


@pytest.mark.parametrize("name", ["no_repeat_ngram_size", "no_repeat_word_ngram_size"])
def test_a_zero_that_was_said_is_not_taken_for_unsaid(name: str) -> None:
    _, options = resolve(make_request(**{name: 0}), make_model())
    assert getattr(options, name) == 0


def test_a_document_too_long_to_be_encoded_is_told_its_least_size() -> None:
    with pytest.raises(InvalidRequest, match="at least 101 bytes in UTF-8, at most 100 are served"):
        check(make_request("x" * 101), make_model(max_document_bytes=100), None)


def test_what_the_transport_found_wrong_comes_first_and_with_the_rest() -> None:
    request = replace(make_request(language="fr"), violations=(WRONG,), unserved=(UNSERVED,))
    with pytest.raises(InvalidRequest) as caught:
        resolve(request, make_model())
    assert [each.field for each in caught.value.violations] == ["request_id", "language"]


@pytest.mark.parametrize("level", AttributionLevel)
def test_attribution_needs_a_copy_head(level: AttributionLevel) -> None:
    model = make_model()
    assert model.manifest.geometry.copy_head
    resolve(make_request(attribution=level), model)
    geometry = replace(model.manifest.geometry, copy_head=False)
    model = replace(model, manifest=replace(model.manifest, geometry=geometry))
    with pytest.raises(NotServed) as caught:
        resolve(make_request(attribution=level), model)
    (violation,) = caught.value.violations
    assert violation.field == "attribution"
    expected = f"is {level.name}, but {model.manifest.name} has no copy head, which alone tells "
    assert violation.description.startswith(expected)


def test_what_is_not_served_is_named_once_nothing_is_wrong() -> None:
    with pytest.raises(NotServed, match="attribution: is not served"):
        resolve(replace(make_request(), unserved=(UNSERVED,)), make_model())
