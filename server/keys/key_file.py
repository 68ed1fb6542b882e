"""The file of keys: on each line a label and the SHA-256 of a key, in hexadecimal digits.

A key is 32 random bytes, which nobody can guess however fast they hash; so a slow hash, meant for
passwords, would protect nothing and hold up every call. Errors never repeat what is in the file,
because people paste a key where its hash belongs.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

_LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LABEL_RULE = "a label has 1 to 64 letters, digits, dots, hyphens or underscores"
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_COMMENT = "#"
_KEY_BYTES = 32
_KEY_PREFIX = "precis_"
_MODE = 0o600


class KeyFileError(Exception):
    """The file cannot be used; names it, the line and the fault."""


def hash_key(key: str) -> bytes:
    """What the file keeps of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def read_keys(path: Path) -> Mapping[str, bytes]:
    """Reads the hash of each key by its label. Raises KeyFileError; also for a file without any."""
    keys: dict[str, bytes] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(_COMMENT):
            continue
        try:
            label, digest = _parsed(line)
            if label in keys:
                raise KeyFileError(f"the label {label} is on line {lines[label]} too")
            for other, known in keys.items():
                if known == digest:
                    raise KeyFileError(f"the same key is on line {lines[other]} too")
        except KeyFileError as error:
            raise KeyFileError(f"{path}, line {number}: {error}") from None
        keys[label], lines[label] = digest, number
    if not keys:
        raise KeyFileError(f"{path} has no keys; `python -m server.keys add` makes one")
    return keys


def add_key(path: Path, label: str) -> str:
    """Makes a key, appends its line to the file and returns the key, which nothing else keeps."""
    if not _LABEL.fullmatch(label):
        raise KeyFileError(f"{label!r} is no label: {_LABEL_RULE}")
    text = _text(path) if path.exists() else ""
    if text.strip() and label in read_keys(path):
        raise KeyFileError(f"{path} has a key labelled {label} already")
    key = _KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    line_break = "" if not text or text.endswith("\n") else "\n"
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
        with os.fdopen(file, "w", encoding="utf-8") as lines:
            lines.write(f"{line_break}{label} {hash_key(key).hex()}\n")
    except OSError as error:
        raise KeyFileError(f"cannot write the key file {path}: {error.strerror}") from error
    return key


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise KeyFileError(f"the key file {path} is not UTF-8 text") from None


def _parsed(line: str) -> tuple[str, bytes]:
    words = line.split()
    if len(words) != 2:
        raise KeyFileError(f"has {len(words)} words, a label and a SHA-256 expected")
    label, digest = words
    if not _LABEL.fullmatch(label):
        raise KeyFileError(f"the first word is no label: {_LABEL_RULE}")
    if not _DIGEST.fullmatch(digest):
        raise KeyFileError(
            f"the second word must be a SHA-256 in 64 hexadecimal digits, and has {len(digest)} "
            "characters"
        )
    return label, bytes.fromhex(digest)
