"""SHA-256 of a bundle's files."""

import hashlib
from pathlib import Path

from bundle.errors import BundleError


def sha256_of(path: Path) -> str:
    """Hashes a file without reading it whole into memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify_file(path: Path, *, expected_sha256: str, expected_bytes: int) -> None:
    """Raises BundleError unless the file exists with exactly this size and content."""
    if not path.is_file():
        raise BundleError(path, "the file is missing")
    size_bytes = path.stat().st_size
    if size_bytes != expected_bytes:
        raise BundleError(
            path, f"{size_bytes} bytes found, {expected_bytes} expected by the manifest"
        )
    try:
        found = sha256_of(path)
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error.strerror}") from error
    if found != expected_sha256:
        raise BundleError(
            path, f"SHA-256 {found} found, {expected_sha256} expected by the manifest"
        )
