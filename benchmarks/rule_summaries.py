"""Summaries of records by the scoring rule (model/evaluation/rule.py), in this process."""

from collections.abc import Sequence

from bundle.strict_json import parse
from model.data.records import Record
from model.evaluation.bundle_process import rule_requests
from model.evaluation.rule import TOKENS_3
from model.progress import ProgressBar
from server.errors import RequestError
from server.offline import OfflineEngine, OfflineRequest
from server.offline.engine import in_order


def rule_summaries(
    engine: OfflineEngine, records: Sequence[Record], *, progress: bool = True
) -> list[str]:
    """The summaries, in the order of the records. Raises RequestError."""
    asked = rule_requests(engine.bundle.directory, records, TOKENS_3)
    outcomes = in_order(engine.run(parse(OfflineRequest, each, "request") for each in asked))
    bar = ProgressBar(
        outcomes, total=len(records), unit="document", desc="bundle", disable=not progress
    )
    summaries = []
    for outcome in bar:
        if isinstance(outcome, RequestError):
            raise outcome
        summaries.append(outcome.text)
    return summaries
