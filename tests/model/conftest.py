"""The default checkpoint, loaded once for all tests that need real weights."""

import pytest

from model.text_summarizer import TextSummarizer
from tests.model.factories import DEFAULT_CHECKPOINT


@pytest.fixture(scope="session")
def default_summarizer() -> TextSummarizer:
    return TextSummarizer(DEFAULT_CHECKPOINT)
