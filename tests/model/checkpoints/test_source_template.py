"""What stands around a document is read off the checkpoint's own tokenizer."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from bundle.tokenizer import BundleTokenizer
from model.checkpoints.source_template import SourceTemplate, read_source_template
from model.network.config import ConfigError
from tests.model.factories import DEFAULT_CHECKPOINT

VOCABULARY = {
    "<s>": 0,
    "</s>": 1,
    "en_XX": 2,
    "word": 3,
    "say": 4,
    ":": 5,
    "Ġword": 6,
    "Ġ": 7,
    **{letter: 8 + i for i, letter in enumerate("wordsay")},
}
MERGES = [("w", "o"), ("wo", "r"), ("wor", "d"), ("Ġ", "word"), ("s", "a"), ("sa", "y")]


def tokenizer_file(directory: Path, template: str | None) -> Path:
    """Byte-level BPE in which "word" after a space is another token than "word" alone."""
    vocabulary = {**VOCABULARY, "wo": 20, "wor": 21, "sa": 22}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if template is not None:
        special = [(name, VOCABULARY[name]) for name in ("<s>", "</s>", "en_XX")]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=special
        )
    path = directory / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize(
    ("template", "before", "after"),
    [
        ("<s> $A </s>", (0,), (1,)),
        ("$A </s>", (), (1,)),
        ("$A </s> en_XX", (), (1, 2)),
        ("en_XX $A </s>", (2,), (1,)),
    ],
)
def test_the_template_of_any_family_is_found(
    tmp_path: Path, template: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    found = read_source_template(tokenizer_file(tmp_path, template), end_id=9)
    assert found == SourceTemplate(before, after)
    assert found.wrap([3, 3]) == [*before, 3, 3, *after]
    assert found.added_tokens == len(before) + len(after)


def test_a_tokenizer_that_adds_nothing_leaves_the_end_token_to_us(tmp_path: Path) -> None:
    assert read_source_template(tokenizer_file(tmp_path, None), 9) == SourceTemplate((), (9,))
    found = read_source_template(DEFAULT_CHECKPOINT / "tokenizer.json", 1)
    assert found == SourceTemplate((), (1,))


def test_text_before_the_document_is_tokenised_together_with_it(tmp_path: Path) -> None:
    path = tokenizer_file(tmp_path, "<s> $A </s>")
    template = read_source_template(path, 1, prefix_text="say: ")
    tokenizer = BundleTokenizer(path)
    assert template.document_ids(tokenizer, " word ") == [4, 5, 6]
    assert tokenizer.encode("say: ") + tokenizer.encode("word") == [4, 5, 7, 3]


def test_text_before_the_document_may_not_spell_a_special_token(tmp_path: Path) -> None:
    path = tokenizer_file(tmp_path, None)
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_special_tokens([">>fra<<"])
    tokenizer.save(str(path))
    with pytest.raises(ConfigError, match="prefix '>>fra<< ' spells the special token '>>fra<<'"):
        read_source_template(path, 1, prefix_text=">>fra<< ")
    assert read_source_template(path, 1, prefix_text=">>deu<< ").prefix_text == ">>deu<< "
