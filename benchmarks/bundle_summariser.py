"""Summaries by the server's own engine, in this process and without a network.

`python -m benchmarks.bundle_summariser BUNDLE` reads records from standard input as JSON lines, to
the end, and answers each with a line {"index": 0, "summary": "..."} as soon as it is done.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.our_engine import OurEngine, finished
from bundle.errors import BundleError
from bundle.normalise import normalise
from model.data.records import Record
from model.evaluation.rule import (
    MAX_CHARACTERS,
    MAX_DOCUMENT_TOKENS,
    TOKENS_3,
    Repetition,
    max_summary_tokens,
    read_repetition,
)
from model.progress import ProgressBar
from server.engine.request import EngineRequest
from server.types import DecodingOptions


class BundleSummariser:
    """Runs many documents through continuous batching, by the rule of model/evaluation/rule.py."""

    def __init__(
        self, directory: Path, *, max_rows: int, threads: int, repetition: Repetition = TOKENS_3
    ) -> None:
        self._ours = OurEngine(directory, threads=threads)
        self._bundle = self._ours.bundle
        self._max_rows = max_rows
        self._repetition = repetition

    @property
    def threads(self) -> int:
        """Threads that compute."""
        return self._ours.threads

    def summarise(self, records: Sequence[Record]) -> list[str]:
        """Gives the summaries in the order of the records."""
        pairs = ProgressBar(
            self.stream(records), total=len(records), unit="document", desc="bundle"
        )
        summaries = dict(pairs)
        return [summaries[index] for index in range(len(records))]

    def stream(self, records: Sequence[Record]) -> Iterator[tuple[int, str]]:
        """Gives each record's index and summary, in the order in which they are done."""
        engine = self._ours.engine(self._max_rows)
        for index, record in enumerate(records):
            engine.submit(self._request(index, record))
        for event in finished(engine):
            yield event.request_id, self._text(event.hypotheses[0].tokens)

    def encode(self, documents: Sequence[Sequence[int]]) -> None:
        """Encodes documents together and throws away what comes out."""
        self._ours.encode(documents)

    def _request(self, index: int, record: Record) -> EngineRequest:
        manifest = self._bundle.manifest
        knows_one_way = len(manifest.styles) == 1
        style = manifest.styles[0] if knows_one_way else manifest.style(record.style)
        if style is None:
            raise ValueError(f"record {record.id}: the bundle has no style {record.style!r}")
        document = (style.prefix_text or "") + normalise(record.document[:MAX_CHARACTERS])
        room = min(MAX_DOCUMENT_TOKENS, manifest.limits.max_source_tokens)
        ids = self._bundle.tokenizer.encode(document)[:room]
        limit = max_summary_tokens(record.style, record.lang)
        options = DecodingOptions(
            max_tokens=min(limit, manifest.limits.max_summary_tokens),
            min_tokens=0,
            **asdict(self._repetition),
        )
        return self._ours.request(index, [*style.prefix_ids, *ids, *style.suffix_ids], options)

    def _text(self, tokens: Iterable[int]) -> str:
        return self._bundle.tokenizer.decode(list(tokens)).strip()


def main() -> int:
    """Answers records until there are no more; 2 where the bundle or a record is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bundle_summariser")
    parser.add_argument("bundle", type=Path, help="a bundle's directory")
    parser.add_argument("--rows", type=int, default=16, help="documents in a batch, at most")
    parser.add_argument("--threads", type=int, default=0, help="0 takes all cores")
    parser.add_argument("--repetition", default=str(TOKENS_3), help="tokens-N, words-N or none")
    options = parser.parse_args()
    try:
        engine = BundleSummariser(
            options.bundle,
            max_rows=options.rows,
            threads=options.threads,
            repetition=read_repetition(options.repetition),
        )
        records = [Record(**json.loads(line)) for line in sys.stdin]
        for index, summary in engine.stream(records):
            sys.stdout.write(json.dumps({"index": index, "summary": summary}) + "\n")
            sys.stdout.flush()
    except (BundleError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
