"""Every family reaches the server: exported, packed, and served with PyTorch's own tokens."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bundle.load import Bundle
from model.checkpoints.checkpoint import load_checkpoint
from model.decoding.generate import GreedyOptions, greedy
from model.text_summarizer import TextSummarizer
from server.decoding.greedy import Greedy
from server.decoding.strategy import Strategy
from server.engine.request import Finished
from server.offline.tokens import strategy_for
from server.runtime.ort_runner import OrtRunner
from server.types import DecodingOptions
from tests.export.family_bundles import FamilyBundle, make_bundle, make_checkpoint
from tests.export.serving import serve, sources_of
from tests.model.checkpoints.families.builders import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")

MAX_TOKENS = 20


@pytest.fixture(scope="module", params=FAMILIES)
def made(
    request: pytest.FixtureRequest, family_bundle: Callable[[str], FamilyBundle]
) -> FamilyBundle:
    return family_bundle(request.param)


def _options(bundle: Bundle) -> tuple[DecodingOptions, GreedyOptions]:
    """The same rules for the server and for PyTorch."""
    special = bundle.manifest.special_tokens
    served = DecodingOptions(max_tokens=MAX_TOKENS, min_tokens=3, no_repeat_ngram_size=3)
    return served, GreedyOptions(
        max_tokens=MAX_TOKENS,
        min_tokens=3,
        no_repeat_ngram_size=3,
        banned_ids=special.never_emitted_ids,
        forced_first=special.forced_first_id,
        forced_last=special.forced_last_id,
    )


def test_a_served_bundle_writes_the_tokens_of_pytorch_alone_and_in_a_crowd(
    made: FamilyBundle,
) -> None:
    bundle = made.bundle
    model = load_checkpoint(made.checkpoint)
    served, options = _options(bundle)
    special = bundle.manifest.special_tokens
    sources = sources_of(bundle)
    expected = [greedy(model, source, options).tokens for source in sources]
    expected = [[token for token in tokens if token != special.end_id] for tokens in expected]
    assert len({tuple(tokens) for tokens in expected}) > 1, "the summaries depend on the documents"

    def job(source: list[int]) -> tuple[list[int], Strategy]:
        return source, strategy_for(bundle, source, served)

    runner = OrtRunner(bundle, threads=1)
    alone = [serve(runner, [job(source)])[0] for source in sources]
    together = serve(runner, list(map(job, sources)), arrivals=range(0, 4 * len(sources), 4))
    assert _tokens(alone) == expected
    assert _tokens(together) == expected


def _tokens(finished: list[Finished]) -> list[list[int]]:
    return [list(each.hypotheses[0].tokens) for each in finished]


def test_a_bundle_says_what_its_checkpoint_says(made: FamilyBundle) -> None:
    manifest = made.bundle.manifest
    config = load_checkpoint(made.checkpoint).config
    assert manifest.name == made.checkpoint.name
    (style,) = manifest.styles
    longest = manifest.limits.max_source_tokens + len(style.prefix_ids) + len(style.suffix_ids)
    assert longest == config.max_positions == manifest.geometry.source_positions
    assert manifest.limits.max_summary_tokens == config.max_target_positions
    assert manifest.geometry.relative_positions == (config.positions == "relative" or None)


def test_a_summary_by_t5_may_be_longer_than_its_sources(tmp_path: Path) -> None:
    checkpoint = make_checkpoint("t5", tmp_path, n_positions=16, num_layers=1)
    longest = {"max_new_tokens": 40, "min_new_tokens": 40, "no_repeat_ngram_size": 3}
    (checkpoint / "generation_config.json").write_text(json.dumps(longest), "utf-8")
    bundle = make_bundle(checkpoint).bundle
    assert bundle.manifest.limits.max_source_tokens == 15
    assert bundle.manifest.limits.max_summary_tokens == 40

    oracle = TextSummarizer(checkpoint)
    special = bundle.manifest.special_tokens
    options = replace(oracle.defaults.options, banned_ids=special.never_emitted_ids)
    source = oracle.source_ids("Short.", None)
    expected = greedy(oracle.model, source, options).tokens
    assert len(expected) == 40
    strategy = Greedy(
        DecodingOptions(max_tokens=40, min_tokens=40, no_repeat_ngram_size=3), special
    )
    assert _tokens(serve(OrtRunner(bundle, threads=1), [(source, strategy)])) == [expected]
