"""Runs a converter in a child process that may neither run for ever nor take all memory.

Parsers meet files that nobody has checked. What hangs, crashes or eats memory there costs the
caller one document and no more.
"""

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from precis_documents._types import Converted, Limits, Refused

# -I keeps the environment and the current folder out; the child finds what its parent finds.
_PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from precis_documents._child import main
main(*sys.argv[2:])
"""
_EXTRA = "pip install 'precis-client[documents]'"


def convert(converter: str, content: bytes, encoding: str | None, limits: Limits) -> Converted:
    """Runs a converter, named "module:function", on a document's bytes."""
    arguments = [json.dumps(sys.path), converter, encoding or "", json.dumps(asdict(limits))]
    try:
        run = subprocess.run(  # noqa: S603  # our own interpreter and program
            [sys.executable, "-I", "-c", _PROGRAM, *arguments],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused(
            f"took longer than {limits.seconds:g} s to read; it is very large, or damaged"
        ) from None
    try:
        answer: dict[str, Any] = json.loads(run.stdout)
    except ValueError:
        raise Refused(_why_it_ended(run.returncode)) from None
    return _outcome(answer, limits)


def _outcome(answer: dict[str, Any], limits: Limits) -> Converted:
    match answer:
        case {"text": text, "title": title, "notes": notes}:
            return Converted(text, title, tuple(notes))
        case {"refused": why, "encoding": encoding}:
            raise Refused(why, encoding)
        case {"missing": package}:
            raise Refused(f"to read it the package {package} is needed: {_EXTRA}")
        case {"out_of_memory": _}:
            raise Refused(f"needs more than {limits.memory_bytes / 2**20:,.0f} MiB to be read")
        case _:
            raise Refused(f"cannot be read; it may be damaged ({answer.get('failed')})")


def _why_it_ended(returncode: int) -> str:
    if returncode >= 0:
        return f"cannot be read; it may be damaged (the parser ended with {returncode})"
    return f"cannot be read; it may be damaged (the parser ended by {_name_of(-returncode)})"


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
