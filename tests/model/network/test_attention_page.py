"""docs/attention.md is run as it stands, and its numbers are computed again without the zoo."""

import doctest
import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from model.checkpoints.config_file import read_config
from model.network.zoo import ZOO, Sizes, make_attention
from tests.model.factories import ROOT
from tests.model.network.zoo_in_loops import softmax

PAGE = (ROOT / "docs" / "attention.md").read_text("utf-8")
SESSION = "\n".join(re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL))
EXAMPLES = doctest.DocTestParser().get_examples(SESSION)


@pytest.fixture
def _as_before() -> Iterator[None]:
    """The page sets options of torch that other tests must not inherit."""
    yield
    torch.set_printoptions(profile="default", sci_mode=None)
    torch.set_grad_enabled(True)


@pytest.mark.usefixtures("_as_before")
def test_the_examples_of_the_page_print_what_it_shows() -> None:
    test = doctest.DocTest(EXAMPLES, {}, "docs/attention.md", None, 0, SESSION)
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert outcome.attempted >= 15
    assert outcome.failed == 0, "".join(said)


def shown(source: str, occurrence: int = 0) -> np.ndarray:
    """The numbers that the page prints below a line of its session."""
    answers = [example.want for example in EXAMPLES if example.source.strip() == source]
    rows = re.findall(r"\[([^\[\]]+)\]", answers[occurrence])
    return np.array([[float(number) for number in row.split(",")] for row in rows])


def agrees(printed: np.ndarray, computed: object) -> bool:
    """Equal to the four digits printed."""
    exact = np.asarray(computed, dtype=np.float64)
    return printed.shape == exact.shape and bool((np.abs(printed - exact) <= 0.5001e-4).all())


def test_the_first_example_is_the_softmax_of_products_over_the_root_of_five() -> None:
    positions = range(1, 6)
    scores = [[i * j / 5**0.5 for j in positions] for i in positions]
    weights = [softmax(row) for row in scores]
    contexts = [[sum(w * j for w, j in zip(row, positions, strict=True))] for row in weights]
    assert agrees(shown("scores"), scores)
    assert agrees(shown("weights"), weights)
    assert agrees(shown("weights @ row.T"), contexts)


def test_the_second_example_gives_nearly_all_to_the_last_vector() -> None:
    vectors = np.arange(1.0, 10.0).reshape(3, 3)
    scores = [0.5 * sum(vector) for vector in vectors]
    weights = softmax(scores)
    assert scores == [3.0, 7.5, 12.0]
    assert agrees(shown("weighted.scores(vectors, vectors)[0]"), [scores])
    assert agrees(shown("weights", 1), [weights] * 3)
    assert agrees(shown("context[0]"), [weights @ vectors])


def test_the_third_example_goes_from_scores_to_weights_to_context() -> None:
    encoder, decoder = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[2, 1], [0, 3]])
    scores = [[float(sum(state * asked)) for state in encoder] for asked in decoder]
    weights = np.array([softmax(row) for row in scores])
    assert agrees(shown("Dot().scores(decoder, encoder)"), scores)
    assert agrees(shown("weights", 2), weights)
    assert agrees(shown("context"), weights @ encoder)


@pytest.mark.parametrize("name", ZOO)
def test_the_table_counts_the_parameters_of_the_embedded_models_sizes(name: str) -> None:
    config = read_config(ROOT / "models" / "default" / "checkpoint" / "config.json")
    assert config.attention_sizes == Sizes(width=512, heads=8, positions=1_024)
    (row,) = re.findall(rf"^\| `{name}` \|.*\| ([\d,]+) \|$", PAGE, re.MULTILINE)
    attention = make_attention(name, config.attention_sizes)
    assert int(row.replace(",", "")) == sum(p.numel() for p in attention.parameters())


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE))
def test_a_link_of_the_page_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()
