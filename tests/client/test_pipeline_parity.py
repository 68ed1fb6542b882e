"""The pipeline beside the one of transformers 4, which is the oracle of its shapes."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from precis_client import pipeline
from precis_client._pipeline import _without_odd_spaces
from tests.fakes.scripted_summarizer import Reply, ScriptedServer, response

Inputs = Callable[[], Any]
TEXT = "A text to summarise."
INPUTS: list[Inputs] = [
    lambda: TEXT,
    lambda: [TEXT],
    lambda: [TEXT, TEXT],
    list,
    lambda: (each for each in [TEXT, TEXT]),
]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Their pipeline, with a network of one layer and random weights."""
    import transformers

    from tests.export.family_bundles import make_checkpoint

    logging.getLogger("transformers").setLevel(logging.ERROR)
    checkpoint: Path = make_checkpoint("bart", tmp_path_factory.mktemp("oracle"))
    # As every summariser's checkpoint does; without it they overrule a call's max_length by 256.
    config = checkpoint / "generation_config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {"max_length": 30}))
    return transformers.pipeline("summarization", str(checkpoint), device="cpu")


def shape(value: Any) -> Any:
    """The value without its texts; an iterator's is marked as such."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return ("iterator", [shape(each) for each in value])


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("inputs", INPUTS, ids=["text", "one", "list", "empty", "generator"])
def test_the_shapes_are_those_of_transformers(
    oracle: Any, server: ScriptedServer, inputs: Inputs, count: int
) -> None:
    several = [{"summary": f"summary {rank}"} for rank in range(count)] if count > 1 else []
    server.summarizer.default = Reply(message=response(alternatives=several))
    arguments = {"num_beams": 2, "num_return_sequences": count, "max_length": 6}
    with pipeline("summarization", address=server.address) as pipe:
        ours = shape(pipe(inputs(), **arguments))
    assert ours == shape(oracle(inputs(), **arguments))


def test_max_length_allows_as_many_tokens_as_in_transformers(
    oracle: Any, server: ScriptedServer
) -> None:
    written = oracle(TEXT, max_length=9, min_length=9, num_beams=1, return_tensors=True)
    (tokens,) = (record["summary_token_ids"] for record in written)
    with pipeline("summarization", address=server.address) as pipe:
        pipe(TEXT, max_length=9)
    start_token = 1
    assert server.summarizer.requests[0].options.max_tokens == len(tokens) - start_token


@pytest.mark.parametrize("text", ["a . b ? c ! d , e", "I 'm , you 're , we 've n't", "x ' s 's"])
def test_spaces_are_cleaned_up_as_in_transformers(text: str) -> None:
    from transformers import PreTrainedTokenizerBase

    assert _without_odd_spaces(text) == PreTrainedTokenizerBase.clean_up_tokenization(text)
