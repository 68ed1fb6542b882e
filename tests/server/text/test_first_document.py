"""The first document fits every model and is long enough to be summarised."""

from dataclasses import replace

import pytest

from server.text.first_document import first_document
from tests.server.factories import BUNDLE, make_model


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 62, 1022])
def test_it_fits(limit: int) -> None:
    document = first_document(BUNDLE.tokenizer, make_model(max_source_tokens=limit))
    assert 1 <= len(BUNDLE.tokenizer.encode(document)) <= limit


def test_what_a_style_puts_before_it_is_counted() -> None:
    model = make_model(max_source_tokens=20)
    before = "Summarise in plain words: "
    styles = tuple(replace(style, prefix_text=before) for style in model.manifest.styles)
    model = replace(model, manifest=replace(model.manifest, styles=styles))
    document = first_document(BUNDLE.tokenizer, model)
    assert 1 < len(BUNDLE.tokenizer.encode(before + document)) <= 20


def test_it_is_long_enough_to_be_summarised() -> None:
    document = first_document(BUNDLE.tokenizer, make_model(min_source_tokens=100))
    assert len(BUNDLE.tokenizer.encode(document)) >= 100
