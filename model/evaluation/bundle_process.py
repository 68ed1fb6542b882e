"""An ONNX bundle as a summariser."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

from model.data.records import Record
from model.evaluation.protocol import SummariserError, in_order
from model.evaluation.rule import TOKENS_3, Repetition

_ROOT = Path(__file__).parent.parent.parent


class BundleProcess:
    """An ONNX bundle, run by the server's engine in a process of its own.

    The engine is not ours to import (tests/architecture.py says why); benchmarks/bundle_summariser
    runs it for us, records in and summaries out as JSON lines. So ONNX Runtime's memory is given
    back afterwards, and its threads do not meet PyTorch's.
    """

    def __init__(
        self, name: str, directory: Path, batch_size: int, repetition: Repetition = TOKENS_3
    ) -> None:
        if batch_size < 1:
            raise SummariserError(f"the batch size must be at least 1, not {batch_size}")
        self.name, self._directory, self._batch_size = name, directory.resolve(), batch_size
        self._repetition = repetition

    def summarise(self, records: Sequence[Record], progress: bool = True) -> list[str]:
        """The summaries, in the order of the records."""
        command = [sys.executable, "-m", "benchmarks.bundle_summariser", str(self._directory)]
        command += ["--rows", str(self._batch_size), "--repetition", str(self._repetition)]
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as complaints,
            subprocess.Popen(  # noqa: S603 - our own program
                command,
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
            ) as process,
        ):
            try:
                pairs = _ask(process, records)
                summaries = in_order(pairs, len(records), self.name, progress)
            except BaseException:
                process.kill()
                raise
            if process.wait() or len(summaries) < len(records):
                raise SummariserError(f"{self._directory} gave no summaries: {_last(complaints)}")
        return summaries


def _ask(process: "subprocess.Popen[str]", records: Sequence[Record]) -> Iterator[tuple[int, str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin:
            for record in records:
                process.stdin.write(json.dumps(asdict(record)) + "\n")
    except BrokenPipeError:
        return  # it ended early, and has said why
    for line in process.stdout:
        answer = json.loads(line)
        yield answer["index"], answer["summary"]


def _last(complaints: IO[str]) -> str:
    complaints.seek(0)
    lines = complaints.read().strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it ended without a word"
