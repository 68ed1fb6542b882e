"""Text as our server reads it, for peers: on ordinary documents it is the same, to the letter."""

import re
import unicodedata


def one_line(document: str) -> str:
    """NFC, with single spaces for all white space."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", document)).strip()
