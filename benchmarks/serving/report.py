"""The report as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.serving.capacity import P99_MS
from benchmarks.serving.crosscheck import COMPARED, TOLERANCE

_ROW = Mapping[str, Any]
# The goal of continuous batching: p99 at 70 % of the highest rate against the unloaded latency.
_HELD_AT = 0.7


def serving_tables(report: Mapping[str, Any]) -> str:
    """All that was measured, one table a question."""
    parts = []
    if report["contenders"]:
        parts += [_capacity_table(report["contenders"]), _shares_table(report["contenders"])]
    parts += [f"{name}: {reason}" for name, reason in report["absent"].items()]
    if report["generator"]:
        parts.append(_generator_table(report["generator"]))
    if report["crosscheck"]:
        parts.append(_check_table(report["crosscheck"]))
    return "\n\n".join(parts)


def held(contender: _ROW) -> float | None:
    """p99 at 70 % of the highest rate, as a multiple of the unloaded p50."""
    unloaded_ms = contender["unloaded"]["p50_ms"]
    for share in contender["shares"]:
        if share["share"] == _HELD_AT and share["p99_ms"] and unloaded_ms:
            return float(share["p99_ms"] / unloaded_ms)
    return None


def _capacity_table(contenders: Sequence[_ROW]) -> str:
    head = (
        "model", "server", "unloaded p50 / p99 ms", f"highest rate at p99 <= {P99_MS:g} ms, 1/s",
        "full, 1/s", "tokens a summary", "p99 at 70 % against unloaded p50",
    )  # fmt: skip
    rows = []
    for one in contenders:
        unloaded, ratio = one["unloaded"], held(one)
        rows.append(
            (
                one["of"],
                one["server"],
                f"{_ms(unloaded['p50_ms'])} / {_ms(unloaded['p99_ms'])}",
                "none" if one["highest_rate"] is None else f"**{one['highest_rate']:.3g}**",
                f"{one['full']['throughput']:.3g}",
                f"{one['tokens_a_summary']:.0f}",
                "" if ratio is None else f"{ratio:.2f}x",
            )
        )
    return _table(head, rows)


def _shares_table(contenders: Sequence[_ROW]) -> str:
    head = ("model", "server", "of its highest", "rate, 1/s", "p50 ms", "p95 ms", "p99 ms", "calls")
    rows = [
        (
            one["of"],
            one["server"],
            f"{100 * share['share']:g} %",
            f"{share['rate']:.3g}",
            *(_ms(share[figure]) for figure in ("p50_ms", "p95_ms", "p99_ms")),
            f"{share['calls']}" + (f", {share['failed']} failed" if share["failed"] else ""),
        )
        for one in contenders
        for share in one["shares"]
    ]
    return _table(head, rows)


def _generator_table(cost: _ROW) -> str:
    rate = cost["settings"]["rate"]
    head = (f"{rate:g} calls/s to an echo server", "calls/s", "p50 ms", "p95 ms", "p99 ms")
    rows = [
        (
            f"{name}, round {number}",
            f"{figures['throughput']:.0f}",
            *(f"{figures[figure]:.2f}" for figure in ("p50_ms", "p95_ms", "p99_ms")),
        )
        for name, rounds in cost["rounds"].items()
        for number, figures in enumerate(rounds, 1)
    ]
    told = f"loadtest adds {cost['adds_p50_ms']:.2f} ms to p50 and {cost['adds_p99_ms']:.2f} ms to "
    told += "p99 of the bare gRPC client (median over the rounds)."
    told += "".join(f" {name}: {reason}." for name, reason in cost["absent"].items())
    return f"{_table(head, rows)}\n\n{told}"


def _check_table(reports: Sequence[_ROW]) -> str:
    head = ("load", "generator", "calls/s", "p50 ms", "p95 ms", "p99 ms", "against loadtest")
    rows, absent = [], {}
    for report in reports:
        absent |= report["absent"]
        for name, found in report["medians"].items():
            others = report["differences"].get(name)
            rows.append(
                (
                    report["check"]["name"],
                    name,
                    f"{found['throughput']:.2f}",
                    *(f"{found[figure]:.1f}" for figure in COMPARED[1:]),
                    "" if others is None else _agreement(others),
                )
            )
    told = "".join(f"\n\n{name}: {reason}." for name, reason in absent.items())
    return _table(head, rows) + told


def _agreement(differences: Mapping[str, float]) -> str:
    """How far apart they are, in the order of the columns, and whether that is near enough."""
    told = ", ".join(f"{100 * differences[figure]:+.1f} %" for figure in COMPARED)
    return told if is_agreed(differences) else f"{told}: **apart**"


def is_agreed(differences: Mapping[str, float]) -> bool:
    """Whether every figure is within the tolerance."""
    return all(abs(difference) <= TOLERANCE for difference in differences.values())


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
