"""Chooses the documents that the users send: seeded, so that two runs send the same."""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path


class EmptyCorpus(Exception):
    """A folder without documents; the message names it."""


@cache
def read_corpus(folder: Path) -> tuple[str, ...]:
    """Reads every document of a folder, in the order of the files' names.

    A document is a file `*.txt`, or the `document` of each line of a file `*.jsonl`.
    """
    documents: list[str] = []
    for path in sorted(folder.glob("*")):
        if path.suffix == ".txt":
            documents.append(path.read_text("utf-8"))
        elif path.suffix == ".jsonl":
            lines = path.read_text("utf-8").splitlines()
            documents += [json.loads(line)["document"] for line in lines]
    if not documents:
        raise EmptyCorpus(f"{folder} has no documents (*.txt or *.jsonl)")
    return tuple(documents)


def choose_forever(documents: tuple[str, ...], seed: str) -> Iterator[str]:
    """Draws documents, each as likely as any other; the same seed draws the same ones."""
    generator = random.Random(seed)  # noqa: S311  # a load, not a secret
    while True:
        yield generator.choice(documents)
