"""The engine over a runner that computes nothing: that what is measured is what is said."""

from benchmarks.engine_ceiling import TOKENS, InstantRunner, ceiling_table, measure_ceiling
from bundle.manifest import SpecialTokens
from server.decoding.drafting import CopyDrafts
from server.decoding.greedy import Greedy
from server.engine.drive import finish
from server.engine.engine import Engine
from server.engine.request import EngineRequest
from server.engine.scheduler import EngineConfig
from server.types import DecodingOptions, FinishReason

SPECIAL = SpecialTokens(pad_id=0, end_id=1, decoder_start_id=0, never_emitted_ids=(0,))


def test_every_way_is_measured_for_every_number_of_rows() -> None:
    report = measure_ceiling(rows=(2, 3), steps_ahead=4, documents=5, rounds=1)
    assert [(each["rows"], each["way"]) for each in report["results"]] == [
        (rows, way)
        for rows in (2, 3)
        for way in (
            "step by step",
            "steps ahead",
            "step by step, drafts",
            "steps ahead, drafts",
        )
    ]
    assert all(each["documents_per_s"] > 0 for each in report["results"])
    assert len(ceiling_table(report).splitlines()) == 2 + 8


def test_the_same_summary_is_written_in_fewer_steps_with_drafts_and_in_fewer_looks_ahead() -> None:
    source = list(range(100, 400))
    found = {}
    for ahead in (0, 8):
        for drafted in (0, 5):
            runner = InstantRunner(ahead, drafted)
            config = EngineConfig((512,), 1, 1024, most_drafted=drafted)
            engine = Engine(config, runner, clock=runner.clock)
            drafter = CopyDrafts(source) if drafted else None
            strategy = Greedy(DecodingOptions(max_tokens=64), SPECIAL, drafter)
            request = EngineRequest(id=0, source_ids=source, strategy=strategy)
            (event,) = finish(engine, [request])
            assert event.hypotheses[0].reason is FinishReason.STOP
            found[ahead, drafted] = list(event.hypotheses[0].tokens), runner.steps
    assert len({tuple(tokens) for tokens, _ in found.values()}) == 1
    assert len(found[0, 0][0]) == TOKENS - 1
    assert found[0, 0][1] == TOKENS
    assert found[0, 5][1] < 0.6 * TOKENS
    # At most a look's worth of steps came to nothing.
    assert found[8, 0][1] - found[0, 0][1] < 8
    assert found[8, 5][1] - found[0, 5][1] < 8
