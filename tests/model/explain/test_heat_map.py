"""The picture: readable and of bounded size, whatever the words are."""

import struct
from pathlib import Path

import torch

from model.explain.heat_map import COLUMNS, chosen, draw
from tests.model.explain.explanations import make_explanation


def size_of(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    return struct.unpack(">II", content[16:24])


def test_any_word_can_be_a_label(tmp_path: Path) -> None:
    texts = ["$x_1^$", "\\frac{", "新模型", "😀", "a" * 300, "العربية", "<b>", "%"]
    explanation = make_explanation(texts, texts)
    draw(explanation, list(explanation.views), tmp_path / "map.png")  # a warning is an error here
    assert size_of(tmp_path / "map.png") > (200, 200)


def test_a_long_document_makes_no_wider_picture(tmp_path: Path) -> None:
    for name, count in (("short.png", COLUMNS + 1), ("long.png", 1022)):
        explanation = make_explanation(["word"] * count, ["word"] * 3)
        draw(explanation, list(explanation.views)[:1], tmp_path / name)
    assert size_of(tmp_path / "short.png") == size_of(tmp_path / "long.png")


def test_a_long_summary_makes_a_picture_of_bounded_height(tmp_path: Path) -> None:
    explanation = make_explanation(["word"] * 5, ["word"] * 500, copies=False)
    draw(explanation, list(explanation.views), tmp_path / "map.png")
    assert size_of(tmp_path / "map.png")[1] < 4_000


def test_the_columns_are_those_looked_at_most_in_the_document_s_order() -> None:
    weights = torch.tensor([[0.1, 0.5, 0.1, 0.3], [0.6, 0.2, 0.1, 0.1]])
    assert chosen(weights, 2) == [0, 1]
    assert chosen(weights, 3) == [0, 1, 3]
    assert chosen(weights, 9) == [0, 1, 2, 3]
