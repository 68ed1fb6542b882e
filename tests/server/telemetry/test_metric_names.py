"""Metric names follow Prometheus's conventions: the rules of `promtool check metrics`, in Python.

A name that breaks one fails that command, which many a deployment runs before it lets a service in.
"""

import re

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from server.telemetry.metrics import Metrics

TYPE_WORDS = {"counter", "gauge", "histogram", "summary", "untyped"}
RESERVED_ENDINGS = ("_count", "_sum", "_bucket")
ABBREVIATED_UNITS = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "m", "h", "d"}
NOT_BASE_UNITS = {
    *("milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days"),
    *("bits", "kilobytes", "megabytes", "gigabytes", "percent"),
}


def problems(registry: CollectorRegistry) -> list[str]:
    """What promtool would say of the names, types and help texts."""
    return [
        f"{family.name}: {problem}"
        for family in registry.collect()
        for problem in _problems(family.name, family.type, family.documentation)
    ]


def _problems(name: str, kind: str, documentation: str) -> list[str]:
    words = name.split("_")
    found = []
    if not documentation:
        found.append("has no help text")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        found.append("is not in lower case with underscores")
    # The client library takes `_total` off a counter's name and writes it behind each sample.
    if kind != "counter" and words[-1] == "total":
        found.append("ends in total but is no counter")
    if name.endswith(RESERVED_ENDINGS):
        found.append("ends in what a histogram's samples end in")
    found += [f"names the type {word}" for word in words if word in TYPE_WORDS]
    found += [f"abbreviates the unit {word}" for word in words if word in ABBREVIATED_UNITS]
    found += [f"is not in a base unit: {word}" for word in words if word in NOT_BASE_UNITS]
    return found


def test_every_metric_is_named_as_prometheus_wants_it() -> None:
    assert problems(Metrics().registry) == []


def metric(kind: type[Counter | Gauge | Histogram], name: str, about: str = "Said.") -> Collector:
    return kind(name, about, registry=None)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (metric(Counter, "precis_summary_tokens"), "names the type summary"),
        (metric(Gauge, "precis_done_total"), "ends in total but is no counter"),
        (metric(Gauge, "precis_calls_count"), "ends in what a histogram's samples end in"),
        (metric(Histogram, "precis_wait_ms"), "abbreviates the unit ms"),
        (metric(Histogram, "precis_wait_minutes"), "is not in a base unit: minutes"),
        (metric(Gauge, "precis_Calls"), "is not in lower case with underscores"),
        (metric(Gauge, "precis_calls", ""), "has no help text"),
    ],
)
def test_a_name_that_promtool_refuses_is_found(bad: Collector, problem: str) -> None:
    registry = CollectorRegistry()
    registry.register(bad)

    (found,) = problems(registry)

    assert found.endswith(f": {problem}")
