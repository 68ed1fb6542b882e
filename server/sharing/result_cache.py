"""Results kept for identical requests to come, within a bound of memory."""

from collections import OrderedDict

from server.jobs.answer import Answer
from server.jobs.job import JobKey
from server.sharing.observer import SharingObserver, SilentSharingObserver

ENTRY_OVERHEAD_BYTES = 1024
"""What an entry takes beside its texts: the objects of key, answer and decoding, and their place.

Measured with tracemalloc over 10,000 entries on CPython 3.11, and rounded up.
"""


class ResultCache:
    """Forgets what was asked for longest ago once its bound is reached."""

    def __init__(self, max_bytes: int, observer: SharingObserver | None = None) -> None:
        self._max_bytes = max_bytes
        self._observer = observer or SilentSharingObserver()
        # Least recently asked for first.
        self._answers: OrderedDict[JobKey, Answer] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def size_bytes(self) -> int:
        """Memory that the entries take."""
        return self._size_bytes

    def get(self, key: JobKey) -> Answer | None:
        """Finds an answer, which is then the last to be forgotten."""
        answer = self._answers.get(key)
        self._observer.cache_asked(hit=answer is not None)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: JobKey, answer: Answer) -> None:
        """Keeps an answer, unless it alone would be beyond the bound."""
        size_bytes = entry_bytes(key, answer)
        if size_bytes > self._max_bytes:
            return
        if (replaced := self._answers.pop(key, None)) is not None:
            self._size_bytes -= entry_bytes(key, replaced)
        self._answers[key] = answer
        self._size_bytes += size_bytes
        while self._size_bytes > self._max_bytes:
            self._size_bytes -= entry_bytes(*self._answers.popitem(last=False))
            self._observer.cache_evicted()
        self._observer.cache_holds(entries=len(self), size_bytes=self._size_bytes)


def entry_bytes(key: JobKey, answer: Answer) -> int:
    """Memory that one entry takes."""
    return key.size_bytes + answer.size_bytes + ENTRY_OVERHEAD_BYTES
