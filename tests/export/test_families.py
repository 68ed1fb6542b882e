"""Every family reaches the server: exported, packed, and served with PyTorch's own tokens."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bundle.load import Bundle
from bundle.normalise import normalise
from export.verify import TOLERANCES, verify
from model.checkpoint import load_checkpoint
from model.generate import GreedyOptions, greedy
from model.text_summarizer import TextSummarizer
from server.decoding.greedy import Greedy
from server.runtime.ort_runner import OrtRunner
from server.types import DecodingOptions
from tests.export.family_bundles import FamilyBundle, make_bundle, make_checkpoint, tame
from tests.model.families.builders import FAMILIES
from tests.server.runtime.documents import LANES, run

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")

DOCUMENTS = [
    "The cat sat on the mat.",
    "A model reads a document once and then writes its summary word by word.",
    "机器学习模型 reads 中文 too.",
    "Short.",
    "Numbers such as 1,234 and names such as Zürich are copied; the rest is said in other words.",
]
MAX_TOKENS = 20


@pytest.fixture(scope="module", params=FAMILIES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FamilyBundle:
    checkpoint = make_checkpoint(request.param, tmp_path_factory.mktemp("family"))
    return make_bundle(checkpoint)


def _sources(bundle: Bundle) -> Iterator[list[int]]:
    (style,) = bundle.manifest.styles
    for document in DOCUMENTS:
        text = (style.prefix_text or "") + normalise(document)
        ids = bundle.tokenizer.encode(text)[: bundle.manifest.limits.max_source_tokens]
        yield [*style.prefix_ids, *ids, *style.suffix_ids]


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
    sources = list(_sources(bundle))
    expected = [greedy(model, source, options).tokens for source in sources]
    expected = [[token for token in tokens if token != special.end_id] for tokens in expected]
    assert len({tuple(tokens) for tokens in expected}) > 1, "the summaries depend on the documents"

    runner = OrtRunner(bundle, lanes=LANES, threads=1)
    strategies = [Greedy(served, special) for _ in range(2 * len(sources))]
    alone = [run(runner, [s], [g])[0] for s, g in zip(sources, strategies[::2], strict=True)]
    together = run(runner, sources, strategies[1::2], arrivals=range(0, 4 * len(sources), 4))

    assert alone == expected
    assert together == expected


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
    checkpoint = make_checkpoint("t5", tmp_path, n_positions=16)
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
    served = DecodingOptions(max_tokens=40, min_tokens=40, no_repeat_ngram_size=3)
    runner = OrtRunner(bundle, lanes=LANES, threads=1)
    assert run(runner, [source], [Greedy(served, special)]) == [expected]


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        ("bart", {"d_model": 64, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128}),
        # No whole number of blocks wide, so its embedding stays in float32.
        ("pegasus", {"d_model": 96, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128}),
        ("flan-t5", {"d_model": 64, "d_kv": 24, "d_ff": 128}),
    ],
)
def test_eight_bits_say_nearly_the_same(family: str, sizes: dict[str, int], tmp_path: Path) -> None:
    checkpoint = make_checkpoint(family, tmp_path, **sizes)
    tame(checkpoint)
    made = make_bundle(checkpoint, "int8")
    report = verify(checkpoint, made.bundle.directory, DOCUMENTS)
    assert report.encoder_relative_error <= TOLERANCES["int8"].encoder_relative_error
    limit = TOLERANCES["int8"].mean_log_probability_difference
    assert report.mean_log_probability_difference <= limit
    # Random weights prefer hardly anything: another token is chosen only in place of a near-tie.
    assert report.largest_margin_at_disagreement < 4 * limit, report
