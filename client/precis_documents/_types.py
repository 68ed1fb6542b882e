"""What goes in and what comes out."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a document is; the value is what people call it."""

    TEXT = "plain text"
    MARKDOWN = "Markdown"
    PDF = "PDF"
    WEB_PAGE = "HTML"
    WORD = "Word"
    EMAIL = "e-mail"
    SUBTITLES = "subtitles"


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one document may cost; beyond them it is refused.

    Time and memory are those of the child process that a parser runs in; the memory is its address
    space, which counts more than what is in use.
    """

    max_bytes: int = 20_000_000
    max_characters: int = 20_000_000
    seconds: float = 20.0
    memory_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a document. `notes` say what is not in it, such as attachments."""

    text: str
    kind: Kind
    title: str = ""
    notes: tuple[str, ...] = ()


class UnreadableDocument(Exception):
    """A document that cannot be read.

    `why` says so in one line, and what may be done about it. `encoding` is one that may be the
    document's, if the reason is that none was named, or another one.
    """

    def __init__(self, name: str, why: str, encoding: str = "") -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why
        self.encoding = encoding


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter makes of a document's bytes."""

    text: str
    title: str = ""
    notes: tuple[str, ...] = ()


class Refused(Exception):
    """What a converter raises for a document that it cannot read, with the reason."""

    def __init__(self, why: str, encoding: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.encoding = encoding
