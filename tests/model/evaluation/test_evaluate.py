"""The scoring rule, the data files it reads, and any summariser it is given."""

import gzip
import json
import lzma
from pathlib import Path

import pytest

from model.evaluation.evaluate import (
    MAX_CHARACTERS,
    Record,
    evaluate,
    evaluate_checkpoint,
    max_summary_tokens,
    read_records,
)
from model.evaluation.rouge import Rouge
from model.generate import GreedyOptions
from model.text_summarizer import TextSummarizer
from tests.model.factories import DATA


def make_record(**changes: str) -> Record:
    values = {
        "id": "a",
        "document": "A long document.",
        "summary": "short",
        "style": "brief",
        "lang": "en",
    }
    return Record(**values | changes)


def write_records(path: Path, records: list[Record]) -> Path:
    openers = {".gz": gzip.open, ".xz": lzma.open}
    with openers.get(path.suffix, open)(path, "wt", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps({**vars(record), "set": "ignored"}) + "\n")
    return path


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz", "pairs.jsonl.xz"])
def test_records_are_read_plain_or_packed(tmp_path: Path, name: str) -> None:
    records = [make_record(id="1", document="文"), make_record(id="2")]
    assert read_records(write_records(tmp_path / name, records)) == records


def test_the_limit_counts_records_of_the_style_that_was_named(tmp_path: Path) -> None:
    styles = ["headline", "brief", "brief", "headline", "brief"]
    records = [make_record(id=str(i), style=style) for i, style in enumerate(styles)]
    path = write_records(tmp_path / "pairs.jsonl", records)
    assert [record.id for record in read_records(path, limit=2, style="brief")] == ["1", "2"]
    assert len(read_records(path)) == 5


@pytest.mark.parametrize("line", ['{"id": "2"}', "not json", "[]"])
def test_a_line_that_is_no_record_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    path = write_records(tmp_path / "pairs.jsonl", [make_record()])
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=r"pairs\.jsonl, line 2: not a record"):
        read_records(path)


def test_any_summariser_can_be_scored() -> None:
    seen = []

    def summarise(document: str, style: str, lang: str) -> str:
        seen.append((len(document), style, lang))
        return "short" if lang == "en" else "长"

    records = [
        make_record(document="x" * 9_000),
        make_record(style="headline", lang="zh", summary="短"),
    ]
    report = evaluate(records, summarise, progress=False)
    assert seen == [(MAX_CHARACTERS, "brief", "en"), (16, "headline", "zh")]
    assert report.summaries == ["short", "长"]
    assert report.mean.rouge1 == 50


def test_a_report_can_be_written_as_json() -> None:
    report = evaluate([make_record(summary="a short one")], lambda *_: "a short one", False)
    assert report.mean == Rouge(100, 100, 100)
    assert json.loads(json.dumps(report.to_dict())) == {
        "documents": 1,
        "mean": {"rouge1": 100, "rouge2": 100, "rouge_l": 100},
        "each": [
            {
                "id": "a",
                "summary": "a short one",
                "rouge1": 100,
                "rouge2": 100,
                "rouge_l": 100,
            }
        ],
    }


def test_the_rule_gives_chinese_briefs_more_tokens_and_headlines_fewer() -> None:
    assert max_summary_tokens("brief", "en") == 64
    assert max_summary_tokens("brief", "zh") == 80
    assert max_summary_tokens("headline", "en") == max_summary_tokens("headline", "zh") == 32


def test_a_checkpoint_is_scored_in_the_order_of_the_records(
    default_summarizer: TextSummarizer,
) -> None:
    records = [
        *read_records(DATA / "arxiv_tldr_en.jsonl", limit=2),
        *read_records(DATA / "arxiv_tldr_zh.jsonl", limit=2),
    ]
    records[1], records[2] = records[2], records[1]
    report = evaluate_checkpoint(records, default_summarizer, batch_size=2, progress=False)
    for record, summary in zip(records, report.summaries, strict=True):
        options = GreedyOptions(
            max_tokens=max_summary_tokens(record.style, record.lang), no_repeat_ngram_size=3
        )
        assert summary == default_summarizer.summarize(record.document, record.style, options)
    assert report.mean.rouge_l > 30
