"""Heat maps of a summary's attentions: a row a summary word, a column a source word."""

from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from torch import Tensor

from model.explain.explanation import Explanation
from model.explain.words import Word

COLUMNS = 44
"""Source words that are shown: those looked at most. The rest share the last column."""
ROWS = 72
"""Summary words that are shown: the first."""

_DOTS_PER_INCH = 100
_WITH_HAN = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei")
_WITH_HAN += ("WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei", "SimHei", "Arial Unicode MS")


def draw(explanation: Explanation, views: Sequence[str], path: Path) -> None:
    """Write a PNG of the named views, one beneath the other, the copy gate as a strip beside."""
    rows = explanation.summary[:ROWS]
    weights = [explanation.views[view][:ROWS] for view in views]
    columns = chosen(sum(weights))
    labels = [_label(explanation.source[column], column) for column in columns]
    has_others = len(columns) < len(explanation.source)
    height = 0.19 * len(rows) + 1.5  # inches
    figure = Figure(
        figsize=(3.0 + 0.2 * (len(columns) + has_others), height * len(views)),
        dpi=_DOTS_PER_INCH,
        layout="constrained",
    )
    grid = figure.subplots(len(views), 2, squeeze=False, width_ratios=[1, len(columns)])
    for (strip, axes), view, each in zip(grid, views, weights, strict=True):
        _heat(axes, view, _columns(each, columns), labels + ["(others)"] * has_others)
        names = [_label(word, row) for row, word in enumerate(rows)]
        if explanation.gate is None:
            strip.set_axis_off()
            _name_rows(axes, names)
        else:
            gate = explanation.gate[:ROWS, None].numpy()
            strip.imshow(gate, cmap="Greens", vmin=0, vmax=1, aspect="auto")
            strip.set_title("copied", fontsize=7)
            strip.set_xticks([])
            strip.tick_params(length=0)
            _name_rows(strip, names)
            axes.set_yticks([])
    figure.savefig(path, metadata={"Software": None})


def chosen(weights: Tensor, most: int = COLUMNS) -> list[int]:
    """The columns that all rows together look at most, in their own order."""
    total = weights.sum(0)  # [S']
    best = torch.topk(total, min(most, len(total))).indices
    return sorted(best.tolist())


def _columns(weights: Tensor, columns: Sequence[int]) -> Tensor:
    """Those columns, and the sum of all others after them if there are any."""
    kept = weights[:, list(columns)]
    if len(columns) == weights.shape[1]:
        return kept
    return torch.cat([kept, 1 - kept.sum(-1, keepdim=True)], dim=-1).clamp_min(0)


def _heat(axes: Axes, title: str, weights: Tensor, labels: Sequence[str]) -> None:
    # The square root makes weights of a few per cent visible beside one of a hundred.
    image = axes.imshow(
        weights.numpy(), cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1), aspect="auto"
    )
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xticks(range(len(labels)))
    axes.set_xticklabels(labels, parse_math=False, rotation=90, fontsize=7, **_font(labels))
    axes.tick_params(length=0)
    bar = axes.figure.colorbar(
        image, ax=axes, fraction=0.03, pad=0.01, ticks=[0, 0.05, 0.25, 0.5, 1]
    )
    bar.ax.tick_params(labelsize=7)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)))
    axes.set_yticklabels(names, parse_math=False, fontsize=7, **_font(names))
    axes.tick_params(length=0)


def _label(word: Word, place: int) -> str:
    """The word, cut short; its place where no font here can write it."""
    text = f"<{word.text}>" if word.is_special else word.text
    text = text if len(text) <= 16 else f"{text[:15]}…"
    return text if _writable(text) or _han_font() else f"#{place + 1}"


def _font(labels: Sequence[str]) -> dict[str, object]:
    han = _han_font()
    if han is None or all(map(_writable, labels)):
        return {}
    return {"fontfamily": [han, "DejaVu Sans"]}


def _writable(text: str) -> bool:
    """Whether matplotlib's own font has every letter (it has the scripts below, and not Han)."""
    return all(character < "\u0530" or "\u2010" <= character <= "\u2027" for character in text)


def _han_font() -> str | None:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _WITH_HAN if name in installed), None)
