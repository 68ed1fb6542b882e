"""Who has a key, by the file as it is now."""

import hmac
import logging
from pathlib import Path

from server.keys.key_file import KeyFileError, hash_key, read_keys
from server.telemetry.logging import fields

_log = logging.getLogger(__name__)

# What changes when a file is written, replaced or made readable.
_Stamp = tuple[int, int, int, int]


class KnownKeys:
    """The keys of a file, which is read again once it has changed. For one event loop.

    Raises KeyFileError if the file cannot be used at first. Later the keys that were read stay
    until the file is right again: a slip of the pen must not shut everybody out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Before reading: what changes in between is then read again.
        self._stamp = _stamp(path)
        self._hashes = read_keys(path)

    def label_of(self, key: str) -> str | None:
        """Whose key it is; None for an unknown one. The time that it takes tells nothing."""
        self._follow_file()
        asked, found = hash_key(key), None
        for label, known in self._hashes.items():
            if hmac.compare_digest(known, asked):
                found = label
        return found

    def _follow_file(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._hashes = read_keys(self._path)
        except KeyFileError as error:
            _log.error(
                "the key file cannot be used, so the keys stay as they were",
                extra=fields(problem=str(error), keys=len(self._hashes)),
            )
        else:
            _log.info("the key file was read again", extra=fields(keys=len(self._hashes)))


def _stamp(path: Path) -> _Stamp | None:
    """None for a file that is not there or cannot be seen."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino
