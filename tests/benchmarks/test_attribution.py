"""What summaries copy, and what asking for it costs."""

from pathlib import Path

from benchmarks.attribution import attribution_table, measure_attribution
from tests.bundle.conftest import DEFAULT_BUNDLE

DATA = Path(__file__).parent.parent / "data" / "arxiv_tldr_en.jsonl"


def test_a_row_a_file_says_how_much_is_copied_and_that_it_is_exact() -> None:
    report = measure_attribution(DEFAULT_BUNDLE, [DATA], limit=2, rounds=1, threads=1)
    (row,) = report["rows"]
    assert (row["data"], row["documents"]) == (DATA.name, 2)
    assert row["words"] > 10
    assert 0.3 < row["copied"] < 1
    assert row["exact"] == 1
    assert attribution_table(report).splitlines()[-1].startswith(f"| {DATA.name} | 2 | ")
