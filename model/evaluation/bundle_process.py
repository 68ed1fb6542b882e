"""An ONNX bundle as a summariser."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from bundle.errors import BundleError
from bundle.manifest import Manifest, Style, read_manifest
from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.data.records import Record
from model.evaluation.protocol import SummariserError, in_order
from model.evaluation.rule import (
    MAX_CHARACTERS,
    MAX_DOCUMENT_TOKENS,
    TOKENS_3,
    Repetition,
    max_summary_tokens,
)

_ROOT = Path(__file__).parent.parent.parent


class BundleProcess:
    """An ONNX bundle, run by the server's engine in a process of its own.

    The engine is not ours to import (tests/arrows.py says why): `python -m server.offline`
    runs it for us, requests in and summaries out as JSON lines. So ONNX Runtime's memory is given
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
        command = [sys.executable, "-m", "server.offline", str(self._directory), "--quiet"]
        command += ["--rows", str(self._batch_size)]
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as requests,
            tempfile.TemporaryFile("w+", encoding="utf-8") as complaints,
        ):
            try:
                for request in rule_requests(self._directory, records, self._repetition):
                    requests.write(json.dumps(request) + "\n")
            except BundleError as error:
                raise SummariserError(f"{self._directory} gave no summaries: {error}") from error
            requests.seek(0)
            with subprocess.Popen(  # noqa: S603 - our own program
                command,
                cwd=_ROOT,
                stdin=requests,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
            ) as process:
                try:
                    summaries = in_order(_answers(process), len(records), self.name, progress)
                except BaseException:
                    process.kill()
                    raise
            if process.returncode or len(summaries) < len(records):
                raise SummariserError(f"{self._directory} gave no summaries: {_last(complaints)}")
        return summaries


def rule_requests(
    directory: Path, records: Sequence[Record], repetition: Repetition
) -> Iterator[dict[str, Any]]:
    """What `python -m server.offline` is asked by the scoring rule, a request for each record.

    They name token ids, because a document is cut to some number of them. Every option is said that
    greedy decoding reads, so that no default of the bundle's counts.
    """
    manifest = read_manifest(directory)
    tokenizer = BundleTokenizer(directory / manifest.tokenizer_file)
    room = min(MAX_DOCUMENT_TOKENS, manifest.limits.max_source_tokens)
    for record in records:
        style = _style(manifest, record)
        document = (style.prefix_text or "") + normalise(record.document[:MAX_CHARACTERS])
        ids = tokenizer.encode(document)[:room]
        limit = max_summary_tokens(record.style, record.lang)
        yield {
            "source_ids": [*style.prefix_ids, *ids, *style.suffix_ids],
            "style": style.name,
            "options": {
                "max_tokens": min(limit, manifest.limits.max_summary_tokens),
                "min_tokens": 0,
                "num_beams": 1,
                "temperature": 0,
                "repetition_penalty": 1,
                **asdict(repetition),
            },
        }


def _style(manifest: Manifest, record: Record) -> Style:
    """The record's own, or the one kind of summary that the bundle knows."""
    knows_one_way = len(manifest.styles) == 1
    style = manifest.styles[0] if knows_one_way else manifest.style(record.style)
    if style is None:
        raise SummariserError(f"record {record.id}: the bundle has no style {record.style!r}")
    return style


def _answers(process: "subprocess.Popen[str]") -> Iterator[tuple[int, str]]:
    assert process.stdout is not None
    for index, line in enumerate(process.stdout):
        yield index, json.loads(line)["summary"]


def _last(complaints: IO[str]) -> str:
    complaints.seek(0)
    lines = complaints.read().strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it ended without a word"
