"""The documents to send: licensed texts of this repository, or a folder of one's own.

A document's tokens are estimated from its characters: a load generator needs no tokenizer, and a
bucket of lengths needs no exact count. What the server really read is in its answers.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from loadtest.exits import Exit, LoadTestError
from loadtest.scenario import CorpusTable

ROOT = Path(__file__).resolve().parents[1]
"""Where folders are that the working folder has not: the repository, or what holds loadtest/."""

_CHARACTERS_PER_TOKEN = {"en": 5.3, "zh": 1.9}
"""Of the default model's tokenizer on the abstracts in tests/data."""

_JOINED_DOCUMENTS = 64


@dataclass(frozen=True)
class Document:
    """One text of the corpus."""

    text: str
    language: str

    @property
    def tokens(self) -> float:
        """How many tokens it has, about."""
        return len(self.text) / _CHARACTERS_PER_TOKEN[self.language]


def choose_documents(table: CorpusTable) -> tuple[str, ...]:
    """Gives every document that fits; LoadTestError if there is none."""
    texts = [document for name in table.folders for document in read_folder(_find(name))]
    texts = [text for text in texts if table.language in ("any", text.language)]
    least, most = table.tokens
    candidates = _join(texts, least) if table.join else texts
    fitting = tuple(each.text for each in candidates if least <= each.tokens <= most)
    if not fitting:
        where = ", ".join(table.folders) or "no folder"
        raise LoadTestError(
            Exit.EMPTY_CORPUS,
            f"no document of language {table.language} and about {least} to {most} tokens"
            f" in {where} (*.txt, *.jsonl; {len(texts)} of the language)",
        )
    return fitting


@cache
def read_folder(folder: Path) -> tuple[Document, ...]:
    """Reads every document of a folder, in the order of the files' names.

    A document is a file `*.txt`, or the `document` of each line of a file `*.jsonl`.
    """
    texts: list[str] = []
    for path in sorted(folder.glob("*")):
        try:
            if path.suffix == ".txt":
                texts.append(path.read_text("utf-8").strip())
            elif path.suffix == ".jsonl":
                lines = path.read_text("utf-8").split("\n")
                texts += [json.loads(line)["document"].strip() for line in lines if line.strip()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise LoadTestError(Exit.USAGE, f"{path} cannot be read ({reason})") from None
    return tuple(Document(text, _language_of(text)) for text in texts if text)


def _find(folder: str) -> Path:
    return Path(folder) if Path(folder).is_dir() else ROOT / folder


def _join(texts: Sequence[Document], least: int) -> list[Document]:
    """Puts texts of one language together, drawn the same way each time."""
    generator = random.Random(0)  # noqa: S311  # a load, not a secret
    joined: list[Document] = []
    for language in sorted({text.language for text in texts}):
        own = [text for text in texts if text.language == language]
        for _ in range(_JOINED_DOCUMENTS):
            whole = generator.choice(own)
            while whole.tokens < least:
                whole = Document(f"{whole.text}\n\n{generator.choice(own).text}", language)
            joined.append(whole)
    return joined


def _language_of(text: str) -> str:
    """Tells Chinese, which has few Latin letters, from what is written with them."""
    chinese = sum("一" <= character <= "鿿" for character in text)
    return "zh" if chinese > len(text) / 5 else "en"
