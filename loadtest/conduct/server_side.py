"""Reads the server's own metrics: its settings, and where the time of a phase went."""

import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from loadtest.results import ServerSide

_PATIENCE_S = 2.0

_STAGES = {
    "queue": "precis_request_queue_time_seconds",
    "encode": "precis_request_encode_time_seconds",
    "decode": "precis_request_decode_time_seconds",
    "whole request": "precis_e2e_request_latency_seconds",
}
# Name of the figure, and the two totals whose growths it divides.
_RATIOS = {
    "documents encoded together": (
        "precis_encode_batch_documents_sum",
        "precis_encode_batch_documents_count",
    ),
    "summaries written together": ("precis_decode_step_rows_sum", "precis_decode_step_rows_count"),
    "tokens a step": ("precis_decode_row_tokens_total", "precis_decode_row_steps_total"),
    "drafts accepted": ("precis_accepted_tokens_total", "precis_drafted_tokens_total"),
    "padding share": ("precis_encode_padded_tokens_total", "precis_encode_tokens_total"),
}
_COUNTS = {
    "answers shared": "precis_single_flight_joins_total",
    "answers from the cache": "precis_result_cache_hits_total",
    "source tokens": "precis_source_tokens_total",
    "CPU seconds": "process_cpu_seconds_total",
}

_SETTINGS = "precis_settings_info"
_PROBLEMS = (OSError, ValueError, HTTPException)

Totals = Mapping[str, float]


def scrape(url: str) -> Totals | None:
    """Sums each metric over its labels; None if there is nothing to read at the address."""
    totals: dict[str, float] = {}
    try:
        for family in _families(url):
            for sample in family.samples:
                if not sample.name.endswith("_bucket"):
                    totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    except _PROBLEMS:
        return None
    return totals


def settings(url: str) -> dict[str, str]:
    """Gives the settings that the server tells, for a recipe; none if it tells none."""
    try:
        for family in _families(url):
            if family.name == _SETTINGS:
                labels = family.samples[0].labels
                return {f"server's {name}": value for name, value in labels.items()}
    except _PROBLEMS:
        pass
    return {}


def compare(before: Totals | None, after: Totals | None) -> ServerSide | None:
    """Tells what happened between two readings; None if either is missing or tells nothing."""
    if before is None or after is None:
        return None

    def growth(name: str) -> float:
        return after.get(name, 0.0) - before.get(name, 0.0)

    stages = {
        stage: 1000 * growth(f"{name}_sum") / growth(f"{name}_count")
        for stage, name in _STAGES.items()
        if growth(f"{name}_count") > 0
    }
    figures = {
        figure: growth(part) / growth(whole)
        for figure, (part, whole) in _RATIOS.items()
        if growth(whole) > 0
    }
    if "padding share" in figures:
        figures["padding share"] = 1 - 1 / figures["padding share"]
    figures |= {figure: growth(name) for figure, name in _COUNTS.items() if growth(name) > 0}
    return ServerSide(stages_ms=stages, figures=figures) if stages or figures else None


def _families(url: str) -> Iterator[Metric]:
    with urllib.request.urlopen(url, timeout=_PATIENCE_S) as reply:  # noqa: S310  # told by the user
        text = reply.read().decode("utf-8")
    return iter(text_string_to_metric_families(text))
