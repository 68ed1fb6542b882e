"""An evaluation as tables for people and as a dictionary for programs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from model.evaluation.bootstrap import RESAMPLES, SEED, Mean
from model.evaluation.evaluate import Evaluation, Scored, difference_of, mean_of
from model.evaluation.measures import MEASURES

_ROUGE = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rouge_l": "ROUGE-L"}
_MANNER = {
    "length": "length",
    "length_ratio": "% of reference",
    "novelty_2": "new 2-grams %",
    "coverage": "coverage %",
    "density": "density",
    "repetition_2": "repeated 2-grams %",
    "supported_numbers": "numbers in document %",
    "supported_names": "names in document %",
}
_DAMAGE = {
    "repetition_3": "repeated 3-grams %",
    "repetition_4": "repeated 4-grams %",
    "unknown_words": "unknown words of 1,000",
}


def tables(evaluation: Evaluation) -> str:
    """Three Markdown tables a group: likeness to the references, manner, and damage."""
    parts = []
    likeness_header = ["", *_ROUGE.values(), *(f"less {a.name}" for a in evaluation.anchors)]
    for name, indices in evaluation.groups().items():
        parts += [
            f"{name}: {len(indices)} {'document' if len(indices) == 1 else 'documents'}",
            _table(likeness_header, _likeness(evaluation, indices)),
            _means(evaluation, indices, _MANNER),
            _means(evaluation, indices, _DAMAGE),
        ]
    parts.append(
        "In brackets: the middle 95 % of the means of resampled documents; differences are of "
        "ROUGE-L, document by document."
    )
    return "\n\n".join(parts)


def as_dict(evaluation: Evaluation, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, each summary included; a value that does not exist is null."""
    return {
        "recipe": {
            **recipe,
            "documents": len(evaluation.records),
            "bootstrap": {"resamples": RESAMPLES, "seed": SEED, "interval": 0.95},
            "seconds": {scored.name: round(scored.seconds, 2) for scored in evaluation.everything},
        },
        "measures": dict(MEASURES),
        "groups": [
            {
                "name": name,
                "documents": len(indices),
                "means": {
                    scored.name: _plain_means(mean_of(scored, indices))
                    for scored in evaluation.everything
                },
                "differences": [
                    {
                        "of": ours.name,
                        "from": theirs.name,
                        **_plain_means(difference_of(ours, theirs, indices)),
                    }
                    for theirs in evaluation.anchors
                    for ours in evaluation.everything
                    if evaluation.compares(ours, theirs)
                ],
            }
            for name, indices in evaluation.groups().items()
        ],
        "each": [
            {
                **{key: getattr(record, key) for key in ("id", "set", "style", "lang")},
                "reference": record.summary,
                "systems": {scored.name: _one(scored, index) for scored in evaluation.everything},
            }
            for index, record in enumerate(evaluation.records)
        ],
    }


def _likeness(evaluation: Evaluation, indices: Sequence[int]) -> list[list[str]]:
    rows = []
    for scored in evaluation.everything:
        means = mean_of(scored, indices)
        row = [scored.name, *_numbers(means, ("rouge1", "rouge2"))]
        row.append(_with_interval(means["rouge_l"]))
        for anchor in evaluation.anchors:
            gain = ""
            if evaluation.compares(scored, anchor):
                gain = _with_interval(difference_of(scored, anchor, indices)["rouge_l"], sign="+")
            row.append(gain)
        rows.append(row)
    return rows


def _means(evaluation: Evaluation, indices: Sequence[int], columns: Mapping[str, str]) -> str:
    rows = [
        [scored.name, *_numbers(mean_of(scored, indices), columns)]
        for scored in evaluation.everything
    ]
    return _table(["", *columns.values()], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned Markdown: names to the left, figures to the right."""
    widths = [max(3, *map(len, column)) for column in zip(header, *rows, strict=True)]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]
        for cells in (header, ruler, *rows)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _numbers(means: Mapping[str, Mean], names: Iterable[str]) -> list[str]:
    return [_number(means[name].value) for name in names]


def _number(value: float, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.1f}"


def _with_interval(mean: Mean, sign: str = "") -> str:
    low, high = _number(mean.low, sign), _number(mean.high, sign)
    return f"{_number(mean.value, sign)} ({low} to {high})"


def _one(scored: Scored, index: int) -> dict[str, Any]:
    measured = scored.measured[index]
    return {
        "summary": scored.summaries[index],
        **{name: _plain(value) for name, value in measured.as_dict().items()},
        "unknown": list(measured.unknown),
        "unsupported_numbers": list(measured.facts.unsupported_numbers),
        "unsupported_names": list(measured.facts.unsupported_names),
    }


def _plain_means(means: Mapping[str, Mean]) -> dict[str, Any]:
    return {
        name: {
            "mean": _plain(mean.value),
            "low": _plain(mean.low),
            "high": _plain(mean.high),
            "documents": mean.documents,
        }
        for name, mean in means.items()
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
