"""The engine's ModelRunner on the real model, against the PyTorch oracle."""

import subprocess
import sys
from pathlib import Path

import pytest

from bundle.load import load_bundle
from model.generate import GreedyOptions, greedy
from model.text_summarizer import TextSummarizer
from server.engine.runner import DecodeBatch, EncodeBatch, Move, RunnerError
from server.runtime.ort_runner import OrtRunner
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.server.runtime.documents import LANES, ROOT, Recorded, documents, run, source_ids

NEVER = (0, 2, 3, 4, 5, 6, 7)


@pytest.fixture(scope="module")
def runner() -> OrtRunner:
    return OrtRunner(load_bundle(DEFAULT_BUNDLE), lanes=LANES)


def test_the_engine_writes_the_oracles_tokens_in_fp32(fp32_bundle: Path) -> None:
    bundle = load_bundle(fp32_bundle)
    sources = [source_ids(bundle, document, "headline") for document in documents(6)]
    found = run(OrtRunner(bundle, lanes=LANES), sources, [Recorded(bundle) for _ in sources])

    model = TextSummarizer(ROOT / "models" / "default" / "checkpoint").model
    options = GreedyOptions(max_tokens=24, no_repeat_ngram_size=3, banned_ids=NEVER)
    end_id = bundle.manifest.special_tokens.end_id
    expected = [
        [token for token in greedy(model, source, options).tokens if token != end_id]
        for source in sources
    ]
    assert found == expected


def first_step(runner: OrtRunner, lane: int, row: int, num_rows: int) -> dict[int, object]:
    """What the first step says of one row among several.

    That is candidates and, up to rounding, log-probabilities.
    """
    batch = DecodeBatch(lane, [0] * num_rows, [0] * num_rows, [NEVER] * num_rows)
    found = runner.decode(batch)[row]
    log_probs = [pytest.approx(value, abs=1e-5) for value in found.log_probs]
    return dict(zip(found.token_ids, log_probs, strict=True))


def test_a_moved_row_goes_on_as_if_it_had_always_been_there(runner: OrtRunner) -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    first, second = (source_ids(bundle, document) for document in documents(2))
    runner.encode(EncodeBatch(512, 0, [first, second]))
    before = first_step(runner, 512, row=1, num_rows=2)
    runner.move(Move(512, source_row=1, target_row=0))
    assert first_step(runner, 512, row=0, num_rows=1) == before


def test_a_short_document_in_a_row_that_held_a_long_one_is_not_touched_by_it(
    runner: OrtRunner,
) -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    long, short = source_ids(bundle, documents(2)[0]), source_ids(bundle, "A short document.")
    runner.encode(EncodeBatch(256, 0, [short]))
    fresh = first_step(runner, 256, row=0, num_rows=1)
    runner.encode(EncodeBatch(256, 0, [long[:256]]))
    runner.encode(EncodeBatch(256, 0, [short]))
    assert first_step(runner, 256, row=0, num_rows=1) == fresh


def test_a_summary_longer_than_the_first_cache_capacity_keeps_its_beginning(
    runner: OrtRunner,
) -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    source = source_ids(bundle, documents(2)[0], "detailed")
    short, long = Recorded(bundle, max_tokens=20), Recorded(bundle, max_tokens=80)
    assert run(runner, [source], [long])[0][:20] == run(runner, [source], [short])[0]
    assert len(long.tokens) > 32


def test_what_was_excluded_at_one_step_may_be_chosen_at_the_next(runner: OrtRunner) -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    runner.encode(EncodeBatch(256, 0, [source_ids(bundle, documents(2)[0])[:256]]))

    def best(*excluded: int) -> int:
        return runner.decode(DecodeBatch(256, [0], [0], [excluded]))[0].token_ids[0]

    favourite = best(0)
    assert best(favourite) != favourite
    assert best(0) == favourite


def test_a_step_past_the_last_position_is_a_typed_error(runner: OrtRunner) -> None:
    with pytest.raises(RunnerError, match="position 100000 is past the last"):
        runner.decode(DecodeBatch(256, [0], [100_000], [NEVER]))


def test_the_caches_are_updated_in_place() -> None:
    """onnxruntime says on stderr, at every step, when TensorScatter has to copy a whole cache."""
    script = """
import sys
from pathlib import Path
from bundle.load import load_bundle
from server.engine.runner import DecodeBatch, EncodeBatch
from server.runtime.ort_runner import OrtRunner
runner = OrtRunner(load_bundle(Path(sys.argv[1])), lanes=(256,))
runner.encode(EncodeBatch(256, 0, [[5, 100, 101, 1]]))
print(runner.decode(DecodeBatch(256, [0], [0], [[0]]))[0].token_ids[0])
"""
    outcome = subprocess.run(
        [sys.executable, "-c", script, str(DEFAULT_BUNDLE)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert outcome.stdout.strip().isdigit()
    assert "in-place" not in outcome.stderr
    assert "TensorScatter" not in outcome.stderr
