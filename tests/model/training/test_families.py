"""Checkpoints of other families are fine-tuned as they are, and end as checkpoints of theirs."""

import json
from pathlib import Path

import pytest
import torch

from model.checkpoints.checkpoint import load_checkpoint
from model.data.records import read_records
from model.decoding.decoding_options import GreedyOptions
from model.text_summarizer import TextSummarizer
from model.training.config import TokenizerConfig, TrainingConfigError
from model.training.run import resume_run, start_run
from model.training.tokenizer import save_tokenizer, train_tokenizer
from tests.model.checkpoints.families.builders import build
from tests.model.factories import DATA
from tests.model.training.builders import ALONE, make_config

CHANGES = (
    "data.max_document_tokens=30",
    "data.max_summary_tokens=16",
    "batches.tokens=400",
    "schedule.steps=2",
    "validation.every_steps=2",
    "saving.every_steps=1",
)


@pytest.fixture(scope="module")
def tokenizer_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tokenizer")
    texts = [record.document for record in read_records(DATA / "arxiv_tldr_en.jsonl", limit=20)]
    config = TokenizerConfig(vocabulary_size=300, styles=())
    save_tokenizer(train_tokenizer(texts, config, shown=False), directory, 48)
    return directory


def make_checkpoint(family: str, directory: Path, tokenizer_directory: Path) -> Path:
    build(family, directory, vocab_size=300)
    for path in tokenizer_directory.iterdir():
        (directory / path.name).write_bytes(path.read_bytes())
    return directory


@pytest.mark.parametrize("family", ["bart", "t5", "led"])
def test_a_checkpoint_is_fine_tuned_and_stays_of_its_family(
    family: str, tmp_path: Path, tokenizer_directory: Path
) -> None:
    init = make_checkpoint(family, tmp_path / "init", tokenizer_directory)
    config = make_config(*CHANGES, drop=("network", "tokenizer"))
    result = start_run(config, tmp_path / "run", init, ALONE, shown=False)
    assert result.ending == "finished"
    resume_run(tmp_path / "run", ["schedule.steps=3"], ALONE, shown=False)

    before, after = load_checkpoint(init), load_checkpoint(tmp_path / "run" / "last")
    assert after.config == before.config
    assert not torch.equal(before.embedding.tokens.weight, after.embedding.tokens.weight)
    summarizer = TextSummarizer(tmp_path / "run" / "last")
    summarizer.summarize("A short document.", None, GreedyOptions(max_tokens=4))


def test_the_text_that_a_checkpoint_puts_before_documents_is_learnt_with_them(
    tmp_path: Path, tokenizer_directory: Path
) -> None:
    losses = []
    for prefix in ("", "summarize: "):
        init = make_checkpoint("t5", tmp_path / f"init{prefix}", tokenizer_directory)
        values = json.loads((init / "config.json").read_text())
        values["task_specific_params"] = {"summarization": {"prefix": prefix}}
        (init / "config.json").write_text(json.dumps(values))
        run = tmp_path / f"run{prefix}"
        config = make_config(*CHANGES, drop=("network", "tokenizer"))
        losses.append(start_run(config, run, init, ALONE, shown=False).position.first)
        assert TextSummarizer(run / "last").defaults.prefix == prefix
    assert losses[0] != losses[1]


def test_limits_that_the_network_has_no_positions_for_are_refused(
    tmp_path: Path, tokenizer_directory: Path
) -> None:
    init = make_checkpoint("bart", tmp_path / "init", tokenizer_directory)
    config = make_config(*CHANGES, "data.max_document_tokens=60", drop=("network", "tokenizer"))
    with pytest.raises(TrainingConfigError, match=r"is 60, .* a document 61; .* 48 positions"):
        start_run(config, tmp_path / "run", init, ALONE, shown=False)


def test_relative_positions_cannot_be_shifted(tmp_path: Path, tokenizer_directory: Path) -> None:
    init = make_checkpoint("t5", tmp_path / "init", tokenizer_directory)
    config = make_config(*CHANGES, "data.shifted_share=0.5", drop=("network", "tokenizer"))
    with pytest.raises(TrainingConfigError, match="relative positions"):
        start_run(config, tmp_path / "run", init, ALONE, shown=False)
