"""The page of an explanation: one HTML file that needs nothing else.

The document and the summary are in it as escaped text, the weights as numbers in JSON, and its
content security policy admits one script, by its hash: whatever a document holds stays text.
"""

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.explain.explanation import Explanation
from model.explain.words import Word

SHADED = 24
"""Source words that a summary word shades at most: those that it looked at most."""
LEAST = 0.005
"""What is less than this share is not shaded."""

_HERE = Path(__file__).parent
_PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src '{script_hash}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="quiet">{model}. Point at a word of the summary, or reach it with Tab and the arrow keys, \
and the words of the document that it looked at are shaded; a click or Enter holds it, \
Escape lets go.{gate}</p>
<p><label for="view">Attention: </label><select id="view">
{options}
</select></p>
<noscript><p>The shading needs JavaScript; the heat map below does not.</p></noscript>
<section class="summary" aria-label="Summary">
<p>{summary}</p>
<p id="detail" class="quiet" aria-live="polite"></p>
</section>
<section aria-label="Document">
<h2>Document</h2>
<p class="source">{source}</p>
</section>
<section aria-label="Heat map">
<h2>Heat map</h2>
<p class="quiet">A row for each word of the summary, a column for each of the words of the \
document that were looked at most.</p>
<img src="data:image/png;base64,{image}" alt="Heat map of {pictured}; the same numbers appear \
above, word by word">
</section>
</main>
<script type="application/json" id="weights">{weights}</script>
<script>{script}</script>
</body>
</html>
"""
_GATE = " The bar under a word says how much of its probability was copied from the document."


def page(
    explanation: Explanation, image: bytes, *, title: str, model: str, view: str, pictured: str
) -> str:
    """HTML; `image` is the PNG of the heat map, `view` what the page shows first."""
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _PAGE.format(
        lang="zh" if any("\u4e00" <= c <= "\u9fff" for c in explanation.text) else "en",
        script_hash=f"sha256-{digest}",
        title=html.escape(title),
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        model=html.escape(model),
        gate="" if explanation.gate is None else _GATE,
        options="\n".join(
            f'<option value="{number}"{" selected" * (name == view)}>{html.escape(name)}</option>'
            for number, name in enumerate(explanation.views)
        ),
        summary="".join(_button(explanation, n) for n in range(len(explanation.summary))),
        source="".join(_span(word) for word in explanation.source),
        image=base64.b64encode(image).decode(),
        pictured=html.escape(pictured),
        weights=json.dumps(_weights(explanation), separators=(",", ":")),  # numbers: no text in it
        script=script,
    )


def _button(explanation: Explanation, number: int) -> str:
    word = explanation.summary[number]
    copied = ""
    if explanation.gate is not None:
        share = float(explanation.gate[number])
        copied = f' style="--gate:{share:.3f}" title="copied: {share:.0%}"'
    space = " " * word.follows_space
    text = html.escape(word.text)
    return f'{space}<button type="button" aria-pressed="false"{copied}>{text}</button>'


def _span(word: Word) -> str:
    if word.is_special:
        return f' <span class="special">&lang;{html.escape(word.text)}&rang;</span>'
    return f"{' ' * word.follows_space}<span>{html.escape(word.text)}</span>"


def _weights(explanation: Explanation) -> dict[str, Any]:
    gate = explanation.gate
    return {
        "gate": None if gate is None else [round(float(share), 3) for share in gate],
        "views": [
            {"rows": [_heaviest(row) for row in weights]} for weights in explanation.views.values()
        ],
    }


def _heaviest(row: Tensor) -> list[list[float]]:
    """[place, weight] of the heaviest, falling."""
    values, places = torch.topk(row, min(SHADED, len(row)))
    pairs = zip(places.tolist(), values.tolist(), strict=True)
    return [[place, round(value, 4)] for place, value in pairs if value >= LEAST]
