"""Documents and summaries as JSON lines."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bundle.strict_json import StrictJsonError, parse
from server.errors import RequestError
from server.offline.request import OfflineRequest, OfflineSummary
from server.types import Attribution

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class RecordError(ValueError):
    """A line that holds no request; says which field is wrong, and how."""


@dataclass(frozen=True, slots=True)
class Record:
    """A request, and the id that its answer has."""

    id: str | int
    request: OfflineRequest


class RecordReader:
    """Reads a request from each line, up to the first that holds none."""

    def __init__(self, lines: Iterable[bytes], *, style: str = "") -> None:
        self._lines = lines
        self._style = style
        # What is wrong with the line that ended the reading.
        self.problem = ""
        # Of requests that were read and whose answers were not written yet, by line.
        self.ids: dict[int, str | int] = {}

    def __iter__(self) -> Iterator[OfflineRequest]:
        for number, line in enumerate(self._lines, 1):
            try:
                record = read_record(line, number)
            except RecordError as error:
                self.problem = f"line {number}: {error}"
                return
            self.ids[number] = record.id
            request = record.request
            yield request if request.style else replace(request, style=self._style)


def read_record(line: bytes, number: int) -> Record:
    """Reads one line. Raises RecordError."""
    try:
        values = json.loads(line.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"))
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8: byte {line[error.start]:#04x} at {error.start}"
        raise RecordError(problem) from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise RecordError(f"is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise RecordError(f"must be an object, found {type(values).__name__}")
    id = values.pop("id", number)
    if type(id) not in (str, int):
        raise RecordError(f"id must be a text or a whole number, found {type(id).__name__}")
    try:
        return Record(id, parse(OfflineRequest, values, "the request"))
    except StrictJsonError as error:
        raise RecordError(str(error).removeprefix("the request.")) from error


def summary_record(id: str | int, summary: OfflineSummary) -> dict[str, Any]:
    """What is written of a summary; what is empty or unknown is left out."""
    usage, decoding = summary.usage, summary.decoding
    record = {
        "id": id,
        "summary": summary.text,
        "finish_reason": summary.finish_reason.value,
        "score": summary.score,
        "source_tokens": usage.source_tokens,
        "summary_tokens": usage.summary_tokens,
        "method": decoding.method.value,
        "steps": decoding.steps,
        "drafted_tokens": decoding.drafted_tokens,
        "accepted_tokens": decoding.accepted_tokens,
        "speculation_off": decoding.speculation_off or None,
        "seed": summary.seed,
        "alternatives": [
            {
                "summary": each.text,
                "score": each.score,
                "finish_reason": each.finish_reason.value,
                "summary_tokens": each.summary_tokens,
            }
            for each in summary.alternatives
        ],
        "way": summary.way.value,
        "sentences": [
            {
                "start": each.span.start,
                "end": each.span.end,
                "source": each.source and [each.source.start, each.source.end],
                "score": round(each.score, 4),
            }
            for each in summary.sentences
        ],
        "attributions": [_attribution_record(each) for each in summary.attributions],
        "warnings": [
            {"code": each.code.value, "message": each.message} for each in summary.warnings
        ],
    }
    return {name: value for name, value in record.items() if value not in (None, [])}


def _attribution_record(attribution: Attribution) -> dict[str, Any]:
    return {
        "summary_span": attribution.summary_span._asdict(),
        "source_spans": [
            {"span": span._asdict(), "weight": weight} for span, weight in attribution.source_spans
        ],
        "kind": attribution.kind.value,
    }


def error_record(id: str | int, error: RequestError) -> dict[str, Any]:
    """What is written where there is no summary."""
    return {"id": id, "error": {"reason": error.reason, "message": str(error)}}
