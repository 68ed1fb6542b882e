"""The engine's ModelRunner on the real model, against the PyTorch oracle."""

import subprocess
import sys
from dataclasses import replace

import pytest

from bundle.errors import BundleError
from bundle.signature import DECODER_TOKENS
from server.decoding.strategy import Proposal
from server.engine.runner import LaneKey, Move, RunnerError
from server.runtime.session import open_session
from server.runtime.threads import thread_budget
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.server.runtime.documents import (
    ROOT,
    Recorded,
    decoding,
    documents,
    oracle_tokens,
    run,
    source_ids,
    strategy,
    tokens,
)
from tests.server.runtime.stepping import NARROW, Model, assert_alike, feed


@pytest.mark.parametrize("speculation", [False, True])
def test_the_engine_writes_the_oracles_tokens_in_fp32(fp32_model: Model, speculation: bool) -> None:
    bundle = fp32_model.bundle
    sources = [source_ids(bundle, document, "headline") for document in documents(6)]
    options = decoding(speculation=speculation)
    found = run(
        fp32_model.runner, sources, [strategy(bundle, source, options) for source in sources]
    )

    assert tokens(found) == oracle_tokens(bundle, sources)


def test_a_moved_row_goes_on_as_if_it_had_always_been_there(model: Model) -> None:
    model.admit(*model.sources[:2])
    start = feed([model.start_id], 0)
    _, before = model.step(start, start)
    model.runner.move(Move(NARROW, source_row=1, target_row=0))
    (after,) = model.step(start)
    assert_alike(after, 0, before)


def test_a_moved_row_takes_what_it_has_written_along(model: Model) -> None:
    written, said = model.write(model.sources[1], 5)
    model.admit(*model.sources[:2])
    model.step(feed([model.start_id], 0), feed(written[:4], 0))
    model.runner.move(Move(NARROW, source_row=1, target_row=0))
    (after,) = model.step(feed(written[4:], 4))
    assert_alike(after, 0, said[4])


def test_a_short_document_in_a_row_that_held_a_long_one_is_not_touched_by_it(model: Model) -> None:
    start = feed([model.start_id], 0)
    long, _, _, short = sorted(model.sources, key=len, reverse=True)
    model.admit(short)
    (fresh,) = model.step(start)
    # A neighbour of the same length keeps the lane from beginning anew, and small.
    model.admit(long, long)
    model.admit(short, first_row=1)
    _, after = model.step(start, start)
    assert_alike(after, 0, fresh)


def test_a_document_that_joins_leaves_those_that_run_as_they_were(model: Model) -> None:
    first, second = sorted(model.sources, key=len)[:2]
    written, said = model.write(first, 4)
    model.admit(first)
    model.step(feed(written[:2], 0))
    model.admit(second, first_row=1)
    after, _ = model.step(feed(written[2:], 2), feed([model.start_id], 0))
    assert_alike(after, 0, said[2])
    assert_alike(after, 1, said[3])


def test_lanes_do_not_touch_one_another(model: Model) -> None:
    wide = LaneKey(512, 2)
    written, said = model.write(model.sources[0], 2)
    model.admit(model.sources[0])
    model.step(feed(written[:1], 0))
    model.admit(model.sources[1], lane=wide)
    model.step(Proposal([model.start_id] * 2, 0, [0, 0], [(), ()], [(), ()]), lane=wide)
    (after,) = model.step(feed(written[1:], 1))
    assert_alike(after, 0, said[1])


def test_a_summary_longer_than_the_first_cache_capacity_keeps_its_beginning(
    int8_model: Model,
) -> None:
    bundle = int8_model.bundle
    source = source_ids(bundle, documents(2)[0], "detailed")
    short, long = Recorded(bundle, max_tokens=20), Recorded(bundle, max_tokens=80)
    (expected,) = tokens(run(int8_model.runner, [source], [short]))
    (found,) = tokens(run(int8_model.runner, [source], [long]))
    assert found[:20] == expected
    assert len(found) > 32


def test_a_step_past_the_last_place_is_a_typed_error(model: Model) -> None:
    last = model.bundle.manifest.geometry.max_positions - 1
    model.admit(model.sources[0])
    model.step(feed([9], last))
    with pytest.raises(RunnerError, match=f"place {last + 1} is past the last, {last}"):
        model.step(feed([9, 10], last))


def test_a_bundle_whose_graph_is_another_is_refused(int8_model: Model) -> None:
    bundle = int8_model.bundle
    expected = bundle.manifest.graphs[DECODER_TOKENS]
    fewer = replace(expected, inputs=expected.inputs[1:])
    with pytest.raises(BundleError, match=r"decoder_tokens\.onnx: wrong signature: .*'token_ids'"):
        open_session(bundle.graph_path(DECODER_TOKENS), fewer, thread_budget(1))


def test_the_caches_are_updated_in_place() -> None:
    """onnxruntime says on stderr, at every step, when TensorScatter has to copy a whole cache."""
    script = """
import sys
from pathlib import Path
from bundle.load import load_bundle
from server.runtime.ort_runner import OrtRunner
from tests.server.runtime.stepping import Model, feed
bundle = load_bundle(Path(sys.argv[1]))
model = Model(bundle, OrtRunner(bundle, threads=1), [[5, 100, 101, 1]])
model.admit(model.sources[0])
model.step(feed([model.start_id], 0))
model.step(feed([20, 21, 22], 1))
print("both decoders ran")
"""
    outcome = subprocess.run(
        [sys.executable, "-c", script, str(DEFAULT_BUNDLE)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert outcome.stdout.strip() == "both decoders ran"
    assert outcome.stderr == ""
