"""What the child process does: takes limits on, converts standard input, answers in JSON."""

import importlib
import json
import logging
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from precis_documents._types import Converted, Limits, Refused

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PARSERS = {"pypdf", "selectolax"}


def main(converter: str, encoding: str, limits_as_json: str) -> None:
    """Converts standard input and writes the outcome to standard output."""
    limits = Limits(**json.loads(limits_as_json))
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a parser prints is no answer
    logging.disable()
    content = sys.stdin.buffer.read()
    _take_on(limits)
    try:
        outcome = json.dumps(_outcome(converter, content, encoding or None, limits)).encode()
    except MemoryError:
        outcome = b'{"out_of_memory": true}'
    with open(answers, "wb") as file:
        file.write(outcome)


def _outcome(
    converter: str, content: bytes, encoding: str | None, limits: Limits
) -> dict[str, Any]:
    try:
        module, _, function = converter.partition(":")
        convert: Callable[[bytes, str | None], Converted] = getattr(
            importlib.import_module(module), function
        )
        converted = convert(content, encoding)
        size, most = len(converted.text), limits.max_characters
        if size > most:
            raise Refused(f"has {size:,} characters of text; at most {most:,} are read")
        cleaned = {"text": _cleaned(converted.text), "title": _cleaned(converted.title)}
        return asdict(converted) | cleaned
    except Refused as refused:
        return {"refused": refused.why, "encoding": refused.encoding}
    except MemoryError:
        raise
    except ModuleNotFoundError as error:
        if error.name in _PARSERS:
            return {"missing": error.name}
        return {"failed": repr(error)}
    except BaseException as error:  # whatever a parser makes of a bad file is a refusal
        return {"failed": type(error).__name__}


def _cleaned(text: str) -> str:
    """Takes out what is no text: control characters, and halves of characters."""
    return _CONTROLS.sub("", text).encode("utf-8", "replace").decode()


def _take_on(limits: Limits) -> None:
    try:
        import resource
    except ImportError:  # Windows: the time is limited by the parent, the memory is not
        return
    seconds = math.ceil(limits.seconds) + 1  # in case the parent is killed before it kills us
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # macOS does not limit an address space
            continue
