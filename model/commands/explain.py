"""`python -m model explain`: what each word of a summary looked at, as a page and a picture."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.commands.declare import add_checkpoint, command
from model.commands.document import read_document

if TYPE_CHECKING:
    from model.decoding.decoding_options import GreedyOptions
    from model.text_summarizer import TextSummarizer

_EPILOG = """examples:
  python -m model explain examples/arxiv_en.txt --output out
  python -m model explain examples/arxiv_zh.txt --style headline --layer 1 --output out

Open out/arxiv_en.html in a browser; it needs no network. How to read it: docs/explain.md.
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "explain",
        _run,
        "show what each word of a summary looked at, as a page and a heat map",
        _EPILOG,
    )
    add_checkpoint(parser)
    parser.add_argument("file", metavar="FILE", help="a UTF-8 text file; - is standard input")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="write FILE's name with .html and .png into this directory, over existing ones",
    )
    parser.add_argument(
        "--style",
        help="the summary's style (default: brief, where the checkpoint has styles at all)",
    )
    parser.add_argument(
        "--layer",
        type=int,
        metavar="N",
        help="the decoder layer whose cross-attention the picture shows; the page has all of them "
        "(default: the last)",
    )
    parser.add_argument(
        "--max-tokens",
        type=int,
        metavar="N",
        help="stop after so many tokens, the end token counted (default: the checkpoint's)",
    )


def _run(options: argparse.Namespace) -> None:
    try:
        from model.explain.heat_map import draw
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}: install the extra `train`") from error
    from model.explain.explanation import COPY, explain, layer_name
    from model.explain.page import page
    from model.text_summarizer import TextSummarizer

    document = read_document(options.file)
    summarizer = TextSummarizer(options.checkpoint)
    layers = summarizer.model.config.decoder_layers
    layer = layers if options.layer is None else options.layer
    if not 1 <= layer <= layers:
        raise ValueError(f"--layer is {layer}; the decoder has layers 1 to {layers}")
    style = options.style or ("brief" if summarizer.styles else None)
    explanation = explain(summarizer, document, style, _decoding(summarizer, options.max_tokens))
    name = "document" if options.file == "-" else Path(options.file).stem
    views = [view for view in (COPY, layer_name(layer)) if view in explanation.views]
    options.output.mkdir(parents=True, exist_ok=True)
    picture, text = options.output / f"{name}.png", options.output / f"{name}.html"
    draw(explanation, views, picture)
    checkpoint = options.checkpoint.resolve()
    content = page(
        explanation,
        picture.read_bytes(),
        title=f"What the summary of {name} looked at",
        model=f"Checkpoint {'/'.join(checkpoint.parts[-2:])}"
        + (f", style {style}" if style else ""),
        view=views[0],
        pictured=" and ".join(views),
    )
    text.write_text(content, encoding="utf-8")
    print(explanation.text)
    print(text)
    print(picture)


def _decoding(summarizer: "TextSummarizer", max_tokens: int | None) -> "GreedyOptions":
    """The checkpoint's defaults, greedily: of beams there would be several ways to look."""
    defaults = summarizer.defaults.options
    if defaults.num_beams > 1:
        print(
            f"note: the checkpoint searches with {defaults.num_beams} beams; this explains its "
            "greedy summary",
            file=sys.stderr,
        )
    if max_tokens is None:
        return defaults
    return replace(
        defaults, max_tokens=max_tokens, min_tokens=min(defaults.min_tokens, max(max_tokens, 0))
    )
