"""The pictures show what the page says they show, and are small enough to keep."""

from pathlib import Path

import pytest
import torch
from matplotlib.image import imread

from model.__main__ import main
from model.explain.attention_plots import KEYS, ORIGINALS, masked, trained, vectors, weigh
from model.network.zoo import ZOO
from tests.model.factories import ROOT

DRAWN = ROOT / "docs" / "attention"
NAMES = sorted([*ZOO, "masks"])


def test_the_command_draws_every_mechanism_and_the_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "new" / "plots"
    assert main(["attention-plots", "--output", str(directory)]) == 0
    printed = sorted(Path(line) for line in capsys.readouterr().out.splitlines())
    assert printed == sorted(directory.iterdir()) == [directory / f"{n}.png" for n in NAMES]
    for path in printed:
        assert imread(path).std() > 0.05  # something is on it


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_of_the_page_is_there_and_small(name: str) -> None:
    path = DRAWN / f"{name}.png"
    assert path.stat().st_size < 30_000


@pytest.mark.parametrize("name", ZOO)
def test_all_but_the_fixed_weights_find_the_original_of_each_query(name: str) -> None:
    query, key = vectors()
    attention = trained(name, query, key)
    weights = weigh(attention, query, key)
    torch.testing.assert_close(weights.sum(-1), torch.ones(len(ORIGINALS)))
    if name == "weighted":
        assert torch.equal(weights, weights[:1].expand_as(weights))
        return
    assert weights.argmax(-1).tolist() == list(ORIGINALS)
    moved = weigh(attention, query, key.flip(0)).argmax(-1)
    there = list(ORIGINALS) if name == "location" else [KEYS - 1 - i for i in ORIGINALS]
    assert moved.tolist() == there


def test_the_scale_makes_the_same_scores_softer() -> None:
    query, key = vectors()
    sharp, soft = (
        weigh(trained(name, query, key), query, key).amax(-1)
        for name in ("dot", "scaled_dot_product")
    )
    assert (soft < sharp).all()


def test_padding_and_future_weigh_nothing_in_the_picture_of_masks() -> None:
    panels = dict(masked(vectors()[1]))
    assert panels["no mask"].min() > 0
    assert not panels["padding"][:, -2:].any()
    assert not panels["causal"].triu(1).any()
