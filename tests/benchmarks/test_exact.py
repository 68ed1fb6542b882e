"""The comparison of exact and overflowing products."""

import pytest

from benchmarks.cpu.exact import ExactSettings, exact_table, measure_exact
from tests.bundle.conftest import DEFAULT_BUNDLE

SETTINGS = ExactSettings(documents=2, rounds=1, threads=1)


def test_both_ways_are_measured_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.cpu.exact.instruction_set", lambda: "avx2")

    report = measure_exact(DEFAULT_BUNDLE, SETTINGS)

    assert [row["what"] for row in report["rows"]] == [
        "documents/s, 1 at once",
        "documents/s, 16 at once",
        "encoder, 1 of 236 tokens, ms",
        "encoder, 8 of 236 tokens, ms",
    ]
    assert all(row["lowest"] <= row["ratio"] <= row["highest"] for row in report["rows"])
    assert exact_table(report).count("documents/s") == 2


def test_where_there_is_one_way_only_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.cpu.exact.instruction_set", lambda: "avx512-vnni")

    with pytest.raises(SystemExit, match="on avx512-vnni products are exact without help"):
        measure_exact(DEFAULT_BUNDLE, SETTINGS)
