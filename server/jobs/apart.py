"""Long documents are read in a process of their own, which gives way to everybody else.

In a thread, reading would hold the interpreter's lock, for which the engine asks several times a
step, and on a small machine it would take half of the processors (docs/long-documents.md).
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import Any

from bundle.tokenizer import BundleTokenizer
from server.jobs.composing import Composition
from server.jobs.job import Job
from server.jobs.reading import Reading, read

_PR_SET_PDEATHSIG = 1
_LOWEST = 19


class ReaderProcess(Executor):
    """Reads one document after the other. Starts with the first, and again if it is lost."""

    def __init__(self, tokenizer: BundleTokenizer) -> None:
        self._tokenizer = tokenizer
        self._pool: ProcessPoolExecutor | None = None

    def submit(  # type: ignore[override]  # arguments by place alone
        self, function: Callable[..., Any], /, *arguments: Any
    ) -> "Future[Any]":
        """Calls a function of this module in the process."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, get_context("spawn"), initializer=_begin, initargs=(self._tokenizer,)
            )
        try:
            return self._pool.submit(function, *arguments)
        except BrokenProcessPool:
            self._pool = None
            return self.submit(function, *arguments)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the process after what it is at."""
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)


def read_apart(job: Job) -> Reading:
    """Reads a job's document in the process, as `read` does."""
    reading = read(job, _own_tokenizer[0])
    if reading.compose is None:
        return reading
    if not reading.windows:
        return replace(reading, compose=partial(_composed, reading.compose(())))
    return replace(reading, compose=partial(_compose_apart, job))


def _composed(composition: Composition, guides: Sequence[str]) -> Composition:
    return composition


def _compose_apart(job: Job, guides: Sequence[str]) -> Composition:
    """Reads the document again, which takes less than to keep or send what was found in it."""
    compose = read(job, _own_tokenizer[0]).compose
    assert compose is not None, "a document is read alike every time"
    return compose(guides)


_own_tokenizer: list[BundleTokenizer] = []


def _begin(tokenizer: BundleTokenizer) -> None:
    """In the process: it ends with its parent, not by Ctrl-C, and runs where nobody else would.

    A low priority is not enough: the engine's threads wait for each other, and so all of them for
    one whose processor was taken for a moment.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        except PermissionError:  # a container may forbid it: slower for others, right all the same
            os.nice(_LOWEST)
    _own_tokenizer.append(tokenizer)
