"""Checkpoints and bundles through one interface."""

from collections.abc import Callable
from pathlib import Path

import pytest

from model.checkpoints.tokenizing.ensure import ensure_tokenizer
from model.data.records import Record, read_records
from model.decoding.decoding_options import GreedyOptions
from model.evaluation.bundle_process import BundleProcess
from model.evaluation.protocol import SummariserError
from model.evaluation.rouge import mean, rouge
from model.evaluation.rule import max_summary_tokens, read_repetition
from model.evaluation.summarisers import CheckpointSummariser, open_summariser
from model.text_summarizer import TextSummarizer
from tests.export.family_bundles import EXAMPLES, FamilyBundle
from tests.model.checkpoints.families.builders import build
from tests.model.checkpoints.tokenizing.checkpoints import MAKERS
from tests.model.evaluation.records import make_record
from tests.model.factories import DATA, DEFAULT_CHECKPOINT


@pytest.fixture(scope="module")
def records() -> list[Record]:
    english = read_records(DATA / "arxiv_tldr_en.jsonl", limit=2)
    chinese = read_records(DATA / "arxiv_tldr_zh.jsonl", limit=2)
    return [english[0], chinese[0], english[1], chinese[1]]


def test_a_checkpoint_answers_in_the_order_of_the_records(
    default_summarizer: TextSummarizer, records: list[Record]
) -> None:
    summariser = CheckpointSummariser("default", default_summarizer, batch_size=2)
    summaries = summariser.summarise(records, progress=False)
    for record, summary in zip(records, summaries, strict=True):
        options = GreedyOptions(
            max_tokens=max_summary_tokens(record.style, record.lang), no_repeat_ngram_size=3
        )
        assert summary == default_summarizer.summarize(record.document, record.style, options)
    scores = [rouge(r.summary, s, r.lang) for r, s in zip(records, summaries, strict=True)]
    assert mean(scores).rouge_l > 30


def test_a_bundle_says_what_its_checkpoint_says(
    fp32_bundle: Path, default_summarizer: TextSummarizer, records: list[Record]
) -> None:
    checkpoint = CheckpointSummariser("PyTorch", default_summarizer, batch_size=4)
    bundle = open_summariser(fp32_bundle, batch_size=3)
    assert isinstance(bundle, BundleProcess)
    assert bundle.name == fp32_bundle.name
    assert bundle.summarise(records, progress=False) == checkpoint.summarise(
        records, progress=False
    )


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_a_network_without_styles_and_of_few_positions_is_scored_too(
    family: str, tmp_path: Path
) -> None:
    MAKERS[family](tmp_path)
    build(family, tmp_path, vocab_size=2_000)
    ensure_tokenizer(tmp_path)
    record = make_record(document="the cat sat on the mat. " * 100, style="headline")
    summaries = open_summariser(tmp_path, batch_size=2).summarise([record] * 3, progress=False)
    assert len(summaries) == 3
    assert len(set(summaries)) == 1


@pytest.mark.parametrize(
    ("family", "rule"), [("bart", "tokens-3"), ("bart", "words-1"), ("t5", "words-2+facts")]
)
def test_a_small_bundle_of_any_family_says_what_its_checkpoint_says_under_any_rule(
    family: str, rule: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    long = (EXAMPLES / "arxiv_en.txt").read_text("utf-8")
    short = "The committee agreed on the budget of the school today."
    records = [
        make_record(id=f"{style} {len(document)}", document=document, style=style)
        for document in (long, short)
        for style in ("headline", "detailed")
    ]
    made = family_bundle(family)
    repetition = read_repetition(rule)
    checkpoint = open_summariser(made.checkpoint, batch_size=2, repetition=repetition)
    ours = checkpoint.summarise(records, progress=False)
    assert any(ours)
    bundle = open_summariser(made.bundle.directory, batch_size=2, repetition=repetition)
    assert bundle.summarise(records, progress=False) == ours


def test_a_directory_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SummariserError, match=r"neither a bundle \(manifest.json\) nor a check"):
        open_summariser(tmp_path, batch_size=1)


def test_a_broken_bundle_is_refused_with_the_engine_s_own_reason(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    bundle = open_summariser(tmp_path, batch_size=1)
    with pytest.raises(SummariserError, match=r"gave no summaries: .*manifest\.json"):
        bundle.summarise([make_record()] * 1000, progress=False)


def test_a_style_that_the_bundle_lacks_is_refused_by_name(fp32_bundle: Path) -> None:
    bundle = open_summariser(fp32_bundle, batch_size=1)
    with pytest.raises(SummariserError, match=r"record a: the bundle has no style 'haiku'"):
        bundle.summarise([make_record(style="haiku")], progress=False)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_holds_at_least_one_document(batch_size: int) -> None:
    with pytest.raises(SummariserError, match=f"at least 1, not {batch_size}"):
        open_summariser(DEFAULT_CHECKPOINT, batch_size)
