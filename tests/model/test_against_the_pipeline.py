"""A foreign checkpoint's own files, read as transformers' summarization pipeline reads them."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import transformers
from transformers.utils import logging

from model.decoding.beam import beam_search
from model.text_summarizer import TextSummarizer
from tests.model.checkpoints.families.builders import build
from tests.model.checkpoints.tokenizing.checkpoints import MAKERS

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")

DOCUMENT = "The cat sat on the mat. A model reads text."
SETTINGS = {
    "max_length": 15,
    "min_length": 4,
    "num_beams": 3,
    "length_penalty": 2.0,
    "early_stopping": True,
    "no_repeat_ngram_size": 3,
}


@dataclass(frozen=True)
class Recipe:
    """A family with the text that its checkpoints put before a document, and what it forces."""

    family: str
    prefix: str
    config: dict[str, Any]


RECIPES = [
    Recipe("bart", " ", {"forced_bos_token_id": 0, "forced_eos_token_id": 2}),
    Recipe("t5", "summarize: ", {}),
    Recipe("mt5", "", {}),
    Recipe("pegasus", "", {"forced_eos_token_id": 1}),
    Recipe("marian", "", {"forced_eos_token_id": 0}),
    Recipe("mbart", "", {"decoder_start_token_id": 6, "forced_bos_token_id": 9}),
]


@dataclass(frozen=True)
class Pair:
    """One checkpoint directory, in both."""

    ours: TextSummarizer
    theirs: transformers.Pipeline


@pytest.fixture(scope="module", params=RECIPES, ids=lambda recipe: recipe.family)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    logging.set_verbosity_error()
    recipe: Recipe = request.param
    directory: Path = tmp_path_factory.mktemp(recipe.family)
    tokenizer = MAKERS[recipe.family](directory)
    task = {"summarization": {**SETTINGS, "prefix": recipe.prefix}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # generation settings in a config.json, as old files have
        positions = "n_positions" if recipe.family.endswith("t5") else "max_position_embeddings"
        changes = {"vocab_size": len(tokenizer), positions: 96, **recipe.config}
        if recipe.family == "marian":  # its last id pads, and starts a summary
            last = len(tokenizer) - 1
            changes |= {"pad_token_id": last, "decoder_start_token_id": last}
            changes["bad_words_ids"] = [[last]]
        build(recipe.family, directory, task_specific_params=task, **changes)
        loaded = transformers.AutoModelForSeq2SeqLM.from_pretrained(directory)
        theirs = transformers.pipeline("summarization", model=loaded, tokenizer=tokenizer)
        theirs.generation_config.max_new_tokens = None  # the pipeline's own would win over the task
    return Pair(TextSummarizer(directory), theirs)


def test_the_encoder_reads_what_the_pipeline_would_give_it(pair: Pair) -> None:
    expected = pair.theirs.preprocess(DOCUMENT)["input_ids"][0].tolist()
    assert pair.ours.source_ids(DOCUMENT, None) == expected


def test_the_defaults_give_the_tokens_of_the_pipeline(pair: Pair) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (expected,) = pair.theirs(DOCUMENT, return_tensors=True)
    found = beam_search(
        pair.ours.model, pair.ours.source_ids(DOCUMENT, None), pair.ours.defaults.options
    )[0]
    start, *tokens = expected["summary_token_ids"].tolist()
    assert start == pair.ours.model.config.start_id
    assert found.tokens == tokens


def test_a_summary_is_text_without_special_tokens(pair: Pair) -> None:
    summary = pair.ours.summarize(DOCUMENT, None, pair.ours.defaults.options)
    assert summary.strip() == summary
    for token in pair.theirs.tokenizer.all_special_tokens:
        assert token not in summary


def test_reading_a_checkpoint_writes_nothing_into_it(tmp_path: Path) -> None:
    MAKERS["bart"](tmp_path)
    (tmp_path / "tokenizer.json").unlink(missing_ok=True)
    build("bart", tmp_path, vocab_size=1_000)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    TextSummarizer(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files


def test_a_checkpoint_without_styles_refuses_one(pair: Pair) -> None:
    assert pair.ours.styles == []
    with pytest.raises(ValueError, match="unknown style 'brief'; known: none, so leave it out"):
        pair.ours.source_ids(DOCUMENT, "brief")
