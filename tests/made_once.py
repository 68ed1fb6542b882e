"""What takes seconds to make is made once, however many processes run the tests."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


class MadeOnce:
    """Directories by name, each filled by whichever process asks for it first."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(exist_ok=True)

    def directory(self, name: str, make: Callable[[Path], object]) -> Path:
        """The directory that `make` fills; others read it too, so nobody may change it."""
        directory = self._root / name
        with FileLock(f"{directory}.lock"):
            if not directory.exists():
                # Elsewhere until it is whole: what a failure leaves behind is nobody's answer.
                unfinished = Path(tempfile.mkdtemp(dir=self._root))
                make(unfinished)
                unfinished.rename(directory)
        return directory
