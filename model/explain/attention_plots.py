"""The pictures of docs/attention.md: what each mechanism of the zoo makes of the same few vectors.

Four queries, each a noisy copy of one of six keys, look for their original. What has parameters
is trained for a moment to find it, on these very vectors: the pictures show what a mechanism can
express, not how well it would do on others. Then the keys change places, which tells those that
read the keys from the one that learned where they stood.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from model.network.zoo import ZOO, Attention, Sizes, causal_mask, make_attention, padding_mask

KEYS, WIDTH, HEADS = 6, 8, 2
ORIGINALS = (0, 2, 5, 3)
"""The key that each query is a copy of."""

_STEPS, _RATE = 60, 0.03
_DOTS_PER_INCH = 80  # keeps each file under 30 kB


def draw_all(directory: Path) -> list[Path]:
    """Write one PNG for each mechanism and one for the masks; existing ones are replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    query, key = vectors()
    paths = []
    for name in ZOO:
        attention = trained(name, query, key)
        panels = [
            (name, weigh(attention, query, key)),
            ("the same, keys reversed", weigh(attention, query, key.flip(0))),
        ]
        paths.append(_draw(panels, directory / f"{name}.png"))
    return [*paths, _draw(masked(key), directory / "masks.png")]


def vectors() -> tuple[Tensor, Tensor]:
    """The queries [4,WIDTH] and the keys [KEYS,WIDTH], the same every time."""
    generator = torch.Generator().manual_seed(3)
    basis, _ = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator))
    key = 2 * basis[:KEYS]
    noise = torch.randn(len(ORIGINALS), WIDTH, generator=generator)
    return key[list(ORIGINALS)] + 0.3 * noise, key


def trained(name: str, query: Tensor, key: Tensor) -> Attention:
    """A mechanism that has learned, as far as it can, to weigh each query's original highest."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        attention = make_attention(name, Sizes(width=WIDTH, heads=HEADS, positions=KEYS))
    parameters = list(attention.parameters())
    if not parameters:
        return attention
    optimiser = torch.optim.Adam(parameters, lr=_RATE)
    for _ in range(_STEPS):
        optimiser.zero_grad()
        _, weights = attention(query, key, key)
        (-weights[range(len(ORIGINALS)), ORIGINALS].log().mean()).backward()
        optimiser.step()
    return attention


@torch.no_grad()
def weigh(attention: Attention, query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """The weights [q,k] alone."""
    _, weights = attention(query, key, key, mask)
    return weights


def masked(key: Tensor) -> list[tuple[str, Tensor]]:
    """Keys that look at one another: unmasked, with two of padding, and only backwards."""
    attention = make_attention("scaled_dot_product", Sizes(width=WIDTH))
    padding = padding_mask(torch.tensor([KEYS - 2]), KEYS)[0]
    return [
        ("no mask", weigh(attention, key, key)),
        ("padding", weigh(attention, key, key, padding)),
        ("causal", weigh(attention, key, key, causal_mask(KEYS, KEYS))),
    ]


def _draw(panels: Sequence[tuple[str, Tensor]], path: Path) -> Path:
    """Weights side by side, each cell shaded and with its number; a weight of zero has none."""
    rows, columns = panels[0][1].shape
    size = ((0.5 + 0.4 * columns) * len(panels), 0.7 + 0.35 * rows)  # inches
    figure = Figure(figsize=size, dpi=_DOTS_PER_INCH, layout="constrained")
    for axes, (title, weights) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        axes.imshow(weights.numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("key", fontsize=8)
        axes.set_ylabel("query", fontsize=8)
        axes.set_xticks(range(columns))
        axes.set_yticks(range(rows))
        axes.tick_params(labelsize=7, length=0)
        for row in range(rows):
            for column in range(columns):
                weight = float(weights[row, column])
                if weight:
                    colour = "white" if weight > 0.55 else "black"
                    text = f"{weight:.2f}".removeprefix("0")
                    axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    figure.savefig(path, metadata={"Software": None})
    return path
