"""Converters that misbehave, run in the child process in place of a parser."""

import os
import signal
import sys
import time
from typing import NoReturn

from precis_documents._types import Converted


def hangs(*_: object) -> NoReturn:
    """Never ends, and does not even listen to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def eats_memory(*_: object) -> NoReturn:
    """Takes all memory that there is."""
    eaten = []
    while True:
        eaten.append(bytes(1 << 24))


def crashes(*_: object) -> None:
    """Ends as a fault in C code does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def leaves(*_: object) -> None:
    """Ends the process without an answer."""
    os._exit(3)


def exits(*_: object) -> None:
    """Ends as a program does."""
    sys.exit("no reason")


def recurses(*_: object) -> None:
    """Calls itself for ever."""
    recurses()


def talks(*_: object) -> Converted:
    """Prints where the answer goes."""
    print("{}")
    os.write(1, b"noise")
    return Converted("An answer.")


def writes_much(*_: object) -> Converted:
    """Makes a long text of a short one."""
    return Converted("x" * 1001)


def writes_what_is_no_text(*_: object) -> Converted:
    """Half of a character, a NUL and a bell."""
    return Converted("A\0B\a\ud83d C\n\tD", "title\x1b")


def misses_a_parser(*_: object) -> NoReturn:
    """Is not installed."""
    raise ModuleNotFoundError("No module named 'pypdf'", name="pypdf")


def sees(*_: object) -> Converted:
    """Tells what it has got."""
    import resource

    memory, _most = resource.getrlimit(resource.RLIMIT_AS)
    return Converted(f"{memory} {sys.flags.isolated}")
