"""What cannot be scored is told before training begins."""

import pytest

from bundle.tokenizer import BundleTokenizer
from model.checkpoints.source_template import SourceTemplate
from model.training.layout import Layout
from model.training.validation import Validation
from tests.model.evaluation.records import make_record
from tests.model.factories import DEFAULT_CHECKPOINT
from tests.model.training.builders import make_examples


def make_validation(lang: str, rouge_documents: int) -> Validation:
    tokenizer = BundleTokenizer(DEFAULT_CHECKPOINT / "tokenizer.json")
    layout = Layout(tokenizer, SourceTemplate((), (1,)), 1)
    records = [make_record(), make_record(lang=lang)]
    return Validation(records, make_examples([(5, 3), (6, 4)]), layout, 100, rouge_documents)


def test_a_language_without_rouge_is_refused_where_its_documents_would_be_scored() -> None:
    with pytest.raises(ValueError, match="no scores for lang de; known: en, zh"):
        make_validation("de", rouge_documents=2)


@pytest.mark.parametrize("rouge_documents", [0, 1])
def test_a_language_without_rouge_is_no_matter_for_the_loss(rouge_documents: int) -> None:
    assert len(make_validation("de", rouge_documents).records) == 2
