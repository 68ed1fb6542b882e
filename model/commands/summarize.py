"""`python -m model summarize`: one document, by the reference decoder."""

import argparse
import sys
from dataclasses import replace
from typing import Any

from model.checkpoints.generation_defaults import GenerationDefaults
from model.commands.declare import add_checkpoint, command
from model.commands.document import read_document
from model.decoding.decoding_options import BeamOptions
from model.text_summarizer import TextSummarizer

_OPTIONS = {
    "max_tokens": "stop after so many tokens, the end token counted",
    "min_tokens": "do not end before so many tokens",
    "no_repeat_ngram_size": "let no run of so many tokens occur twice; 0 allows it",
    "no_repeat_word_ngram_size": "let no run of so many whole words occur twice; 0 allows it",
    "num_beams": "search with so many beams; 1 takes the likeliest token each time",
}

_EPILOG = """What is not said here is as the checkpoint's generation_config.json says, or its
config.json with task_specific_params.summarization. For the embedded checkpoint: 128 tokens at
most, no run of 3 tokens twice, one beam.

examples:
  python -m model summarize examples/arxiv_en.txt --num-beams 4
  python -m model summarize report.txt --checkpoint checkpoints/bart-large-cnn
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = command(commands, "summarize", _run, "summarise one document", _EPILOG)
    add_checkpoint(parser)
    parser.add_argument("file", metavar="FILE", help="a UTF-8 text file; - is standard input")
    parser.add_argument(
        "--style",
        help="of the embedded checkpoint, brief: one or two sentences; headline: a title; "
        "detailed: key sentences; paper: 'The paper proposes ...' (default: brief, where the "
        "checkpoint has styles at all)",
    )
    for name, description in _OPTIONS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            metavar="N",
            help=f"{description} (default: the checkpoint's)",
        )
    parser.add_argument(
        "--length-penalty",
        type=float,
        metavar="X",
        help="beams compare summaries by their log-probability over length to the power of X; more "
        "favours longer ones (default: the checkpoint's)",
    )


def _run(options: argparse.Namespace) -> None:
    document = read_document(options.file)
    summarizer = TextSummarizer(options.checkpoint)
    style = options.style or ("brief" if summarizer.styles else None)
    print(summarizer.summarize(document, style, _decoding(options, summarizer.defaults)))


def _decoding(options: argparse.Namespace, defaults: GenerationDefaults) -> BeamOptions:
    """The checkpoint's defaults under what the caller said."""
    said = {
        name: getattr(options, name)
        for name in (*_OPTIONS, "length_penalty")
        if getattr(options, name) is not None
    }
    # A default must never clash with what the caller did say.
    max_tokens = said.get("max_tokens", defaults.options.max_tokens)
    said.setdefault("min_tokens", min(defaults.options.min_tokens, max(max_tokens, 0)))
    if defaults.samples:
        print("note: the checkpoint samples (do_sample); this takes the likeliest", file=sys.stderr)
    return replace(defaults.options, **said)
