"""The scoring rule, the data files it reads, and any summariser it is given."""

import json

from model.evaluation.evaluate import (
    MAX_CHARACTERS,
    evaluate,
    evaluate_checkpoint,
    max_summary_tokens,
)
from model.evaluation.rouge import Rouge
from model.generate import GreedyOptions
from model.records import Record, read_records
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
