"""An answer depends on the request and the bundle alone, not on who else is there."""

import random
from pathlib import Path

import pytest

from bundle.load import Bundle, load_bundle
from server.runtime.ort_runner import OrtRunner
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.server.runtime.documents import LANES, Recorded, documents, run, source_ids

NUM_DOCUMENTS = 24
# Float sums are added up in another order when a matrix product has more rows. Two candidates whose
# log-probabilities lie within this of each other may change places; nothing else may change.
ROUNDING = 1e-4


def alone_and_together(bundle: Bundle) -> tuple[list[list[int]], list[Recorded], list[list[int]]]:
    runner = OrtRunner(bundle, lanes=LANES)
    sources = [source_ids(bundle, document) for document in documents(NUM_DOCUMENTS)]
    strategies = [Recorded(bundle) for _ in sources]
    alone = [
        run(runner, [source], [strategy])[0]
        for source, strategy in zip(sources, strategies, strict=True)
    ]
    arrivals = random.Random(2026).choices(range(30), k=len(sources))  # noqa: S311 - no secret
    together = run(runner, sources, [Recorded(bundle) for _ in sources], arrivals)
    return alone, strategies, together


def first_difference(a: list[int], b: list[int]) -> int:
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_24_documents_are_summarised_alike_alone_and_in_a_staggered_crowd(
    precision: str, request: pytest.FixtureRequest
) -> None:
    directory: Path = DEFAULT_BUNDLE
    if precision == "fp32":
        directory = request.getfixturevalue("fp32_bundle")
    alone, strategies, together = alone_and_together(load_bundle(directory))
    for index in range(NUM_DOCUMENTS):
        if alone[index] != together[index]:
            assert precision == "int8", f"document {index} differs in fp32"
            step = first_difference(alone[index], together[index])
            assert strategies[index].margins[step] < ROUNDING, f"document {index}, token {step}"
