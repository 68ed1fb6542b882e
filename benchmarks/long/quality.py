"""Ways to summarise long documents, as they are served, cut to the same length.

D documents    3 ROUGE scores
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.long.documents import LongRecord
from benchmarks.recipe import recipe
from bundle.words import HAN
from model.data.sentences import split_sentences
from model.evaluation.baselines import rank
from model.evaluation.bootstrap import differences
from model.evaluation.copying import words
from model.evaluation.facts import compare_facts
from model.evaluation.rouge import rouge
from model.progress import ProgressBar
from server.offline import OfflineEngine
from server.text.content_words import content_words
from server.types import Length

# What summaries are cut to: words of English, characters of Chinese.
BUDGETS = {"short": {"en": 40, "zh": 60}, "long": {"en": 120, "zh": 160}}
# About as many tokens.
_TOKENS = {"short": 64, "long": 176}
_SHARED_WORDS = 4
_WORD = re.compile(f"[{HAN}]|[^\\s{HAN}]+")


@dataclass(frozen=True, slots=True)
class Written:
    """What a way made of a document, and what it cost."""

    text: str
    source_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """A way to summarise, by its name in the tables."""

    name: str
    summarise: Callable[[LongRecord, str], Written]


def measure_quality(
    bundle: Path, records: Sequence[LongRecord], *, threads: int, only: Sequence[str] = ()
) -> dict[str, Any]:
    """Scores each way on each set, at both lengths."""
    with OfflineEngine(bundle, provider="cpu", threads=threads) as engine:
        known = [Way("lead", _lead), Way("TextRank", _textrank), *_served(engine)]
        ways = [way for way in known if not only or way.name in only]
        list(engine.summarise(records[0].document))  # what is only done once
        written = {
            (way.name, budget): [
                way.summarise(record, budget)
                for record in ProgressBar(
                    records, total=len(records), unit="document", desc=f"{way.name}, {budget}"
                )
            ]
            for budget in BUDGETS
            for way in ways
        }
        threads = engine.threads
    numbers = range(len(records))
    rows = [
        {"set": name, **row}
        for name, members in groupby(numbers, lambda number: records[number].set)
        for row in _rows(list(members), records, written, [way.name for way in ways])
    ]
    return {"recipe": recipe(bundle=bundle.name, threads=threads), "rows": rows}


def _served(engine: OfflineEngine) -> Iterator[Way]:
    """Asked for by length where the API takes one, else by tokens."""

    def way(name: str, **fields: Any) -> Way:
        def summarise(record: LongRecord, budget: str) -> Written:
            asked = dict(fields)
            if asked.pop("by_words", False):
                asked["length"] = Length(words=BUDGETS[budget]["en"])
                if record.lang == "zh":  # the API counts a character as half a word
                    asked["length"] = Length(words=BUDGETS[budget]["zh"] // 2)
            else:
                asked["max_tokens"] = _TOKENS[budget]
                asked["style"] = "brief" if budget == "short" else "detailed"
            started_s = time.process_time()
            (summary,) = engine.summarise(record.document, **asked)
            seconds = time.process_time() - started_s
            return Written(summary.text, summary.usage.source_tokens, seconds)

        return Way(name, summarise)

    yield way("truncate", long_documents="truncate")
    yield way("select", long_documents="select")
    yield way("cover", long_documents="cover", by_words=True)
    yield way("extract", style="extract", by_words=True)
    yield way("auto", long_documents="auto")


def _lead(record: LongRecord, budget: str) -> Written:
    return Written(record.document)


def _textrank(record: LongRecord, budget: str) -> Written:
    """Whole sentences, the best first, as long as they fit, in the order of the document."""
    started_s = time.process_time()
    sentences = split_sentences(record.document)
    left = BUDGETS[budget][record.lang]
    taken = []
    for index in np.argsort(-rank([words(each) for each in sentences]), kind="stable"):
        if (words_of := size(sentences[index])) <= left:
            taken.append(index)
            left -= words_of
    text = ("" if record.lang == "zh" else " ").join(sentences[index] for index in sorted(taken))
    return Written(text, seconds=time.process_time() - started_s)


def cut(text: str, most: int) -> str:
    """The first so many words, as white space divides them, or Chinese characters."""
    for number, match in enumerate(_WORD.finditer(text), 1):
        if number == most:
            return text[: match.end()]
    return text


def size(text: str) -> int:
    """What `cut` counts."""
    return len(_WORD.findall(text))


def share_spoken_of(parts: Sequence[str], summary: str) -> float:
    """Of these texts, the share of which the summary shares at least four content words."""
    said = set(content_words(summary))
    return fmean(len(said & set(content_words(part))) >= _SHARED_WORDS for part in parts)


def _rows(
    members: Sequence[int],
    records: Sequence[LongRecord],
    written: dict[tuple[str, str], list[Written]],
    names: Sequence[str],
) -> Iterator[dict[str, Any]]:
    for budget, most in BUDGETS.items():
        scores = {}
        for name in names:
            made = [written[name, budget][number] for number in members]
            own = [records[number] for number in members]
            texts = [
                cut(each.text, most[record.lang]) for each, record in zip(made, own, strict=True)
            ]
            scores[name] = np.array(
                [
                    (found.rouge1, found.rouge2, found.rouge_l)
                    for record, text in zip(own, texts, strict=True)
                    if (found := rouge(record.summary, text, record.lang))
                ]
            )
            lengths = list(map(size, texts))
            unsupported = [
                len(facts.unsupported_names) + len(facts.unsupported_numbers)
                for record, text in zip(own, texts, strict=True)
                if (facts := compare_facts(record.document, text, record.lang))
            ]
            spoken_of = [
                share_spoken_of(each.parts, text)
                for each, text in zip(own, texts, strict=True)
                if each.is_joined
            ]
            yield {
                "budget": most[own[0].lang],
                "documents": len(members),
                "characters": round(fmean(len(each.document) for each in own)),
                "way": name,
                "rouge": [round(value, 1) for value in scores[name].mean(0).tolist()],
                "words": round(fmean(lengths)),
                "unsupported": round(1000 * sum(unsupported) / max(1, sum(lengths)), 1),
                "spoken_of": round(100 * fmean(spoken_of)) if spoken_of else None,
                "source_tokens": round(fmean(each.source_tokens for each in made)),
                "seconds": round(fmean(each.seconds for each in made), 2),
                "less": {
                    other: [_interval(each) for each in differences(scores[name], scores[other])]
                    for other in ("lead", "truncate", "TextRank")
                    if other in scores and other != name
                },
            }


def _interval(mean: Any) -> list[float]:
    return [round(mean.value, 1), round(mean.low, 1), round(mean.high, 1)]


def quality_table(report: dict[str, Any]) -> str:
    """The report as Markdown tables, one for each set and length."""
    return "\n\n".join(
        "\n".join(_table(name, budget, list(rows)))
        for (name, budget), rows in groupby(report["rows"], lambda row: (row["set"], row["budget"]))
    )


def _table(name: str, budget: int, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    is_joined = rows[0]["spoken_of"] is not None
    characters = f"{rows[0]['characters']:,}"
    yield f"{name}: {rows[0]['documents']} documents of {characters} characters, cut to {budget}"
    yield ""
    heads = ["way", "ROUGE-1 / 2 / L", "less lead", "less truncate"]
    heads += ["spoken of"] if is_joined else []
    heads += ["not in source", "tokens read", "seconds", "length"]
    yield f"| {' | '.join(heads)} |"
    yield f"| --- | --- | --- | --- |{' ---: |' * (len(heads) - 4)}"
    for row in rows:
        yield " ".join(_cells(row, is_joined=is_joined))


def _cells(row: dict[str, Any], *, is_joined: bool) -> Iterator[str]:
    yield f"| {row['way']} | {' / '.join(map(str, row['rouge']))} |"
    for other in ("lead", "truncate"):
        found = row["less"].get(other)
        yield f"{found[0][0]:+} ({found[0][1]:+} to {found[0][2]:+}) |" if found else "|"
    if is_joined:
        yield f"{row['spoken_of']} % |"
    yield f"{row['unsupported']} | {row['source_tokens']:,} | {row['seconds']} | {row['words']} |"
