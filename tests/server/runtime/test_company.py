"""An answer depends on the request and the bundle alone, not on who else is there."""

import random

import pytest

from server.types import DecodingOptions
from tests.server.runtime.documents import decoding, documents, run, source_ids, strategy
from tests.server.runtime.stepping import Model

NUM_DOCUMENTS = 16


def ways_of_decoding(model: Model) -> list[DecodingOptions]:
    """Each way with what makes it differ most; those of width 1 share lanes."""
    beginning = tuple(model.bundle.tokenizer.encode("The study"))
    return [
        decoding(),
        decoding(speculation=True),
        decoding(num_beams=2, num_summaries=2),
        decoding(num_beams=4, length_penalty=2.0, early_stopping=True),
        decoding(temperature=0.8, top_p=0.9, seed=7),
        decoding(temperature=1.0, top_k=40, seed=9, num_summaries=3),
        decoding(prefix_ids=beginning, speculation=True),
        decoding(repetition_penalty=1.3, min_tokens=8),
    ]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_request_is_answered_alike_alone_and_in_a_staggered_crowd_of_all_ways_of_decoding(
    precision: str, request: pytest.FixtureRequest
) -> None:
    model: Model = request.getfixturevalue(f"{precision}_model")
    sources = [source_ids(model.bundle, document) for document in documents(NUM_DOCUMENTS)]
    ways = ways_of_decoding(model)
    asked = [(source, ways[index % len(ways)]) for index, source in enumerate(sources)]

    alone = [
        run(model.runner, [source], [strategy(model.bundle, source, options)])[0]
        for source, options in asked
    ]
    arrivals = random.Random(2026).choices(range(30), k=len(sources))  # noqa: S311 - no secret
    strategies = [strategy(model.bundle, source, options) for source, options in asked]
    together = run(model.runner, sources, strategies, arrivals)

    for index, (expected, found) in enumerate(zip(alone, together, strict=True)):
        what = f"document {index}, {asked[index][1]}"
        assert [list(one.tokens) for one in found] == [list(one.tokens) for one in expected], what
        assert [one.reason for one in found] == [one.reason for one in expected], what
        scores = [pytest.approx(one.score, abs=1e-4) for one in expected]
        assert [one.score for one in found] == scores, what
