"""The document that a command is about."""

import sys
from pathlib import Path


def read_document(file: str) -> str:
    """The text of a UTF-8 file, or of standard input for "-".

    Raises ValueError, with the name, for what is no UTF-8 or holds nothing but white space.
    """
    is_standard_input = file == "-"
    name = "standard input" if is_standard_input else file
    content = sys.stdin.buffer.read() if is_standard_input else Path(file).read_bytes()
    try:
        document = content.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{content[error.start]:02x} at {error.start}"
        raise ValueError(f"{name} is not UTF-8: {found}") from error
    if not document.strip():
        raise ValueError(f"{name}: the document is empty")
    return document
