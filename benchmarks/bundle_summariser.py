"""Summaries by the server's own engine, in this process and without a network."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from bundle.load import load_bundle
from bundle.normalise import normalise
from model.evaluation.evaluate import (
    MAX_CHARACTERS,
    MAX_DOCUMENT_TOKENS,
    NO_REPEAT_NGRAM_SIZE,
    Record,
    max_summary_tokens,
)
from server.app import lanes_for
from server.decoding.greedy import Greedy
from server.engine.engine import Engine
from server.engine.request import EngineRequest, Failed, Finished
from server.engine.scheduler import EngineConfig
from server.runtime.ort_runner import OrtRunner
from server.types import DecodingOptions


class BundleSummariser:
    """Runs many documents through continuous batching, by the scoring rule of model/evaluate.py."""

    def __init__(self, directory: Path, *, max_rows: int, threads: int) -> None:
        self._bundle = load_bundle(directory)
        lanes = lanes_for(self._bundle)
        self._config = EngineConfig(lanes, max_rows, max_encode_tokens=1024)
        self._runner = OrtRunner(self._bundle, lanes=lanes, threads=threads)

    @property
    def threads(self) -> int:
        """Threads that compute."""
        return self._runner.threads

    def summarise(self, records: Sequence[Record]) -> list[str]:
        """Gives the summaries in the order of the records."""
        engine = Engine(self._config, self._runner)
        for index, record in enumerate(records):
            engine.submit(self._request(index, record))
        summaries: dict[int, str] = {}
        with tqdm(total=len(records), unit="document", desc="bundle") as bar:
            while not engine.is_idle:
                for event in engine.step():
                    if isinstance(event, Failed):
                        raise event.error
                    if isinstance(event, Finished):
                        summaries[event.request_id] = self._text(event.tokens)
                        bar.update()
        return [summaries[index] for index in range(len(records))]

    def _request(self, index: int, record: Record) -> EngineRequest:
        manifest = self._bundle.manifest
        style = manifest.style(record.style)
        assert style is not None, f"the bundle has no style {record.style!r}"
        document = (style.prefix_text or "") + normalise(record.document[:MAX_CHARACTERS])
        ids = self._bundle.tokenizer.encode(document)[:MAX_DOCUMENT_TOKENS]
        options = DecodingOptions(
            max_tokens=max_summary_tokens(record.style, record.lang),
            min_tokens=0,
            no_repeat_ngram_size=NO_REPEAT_NGRAM_SIZE,
        )
        return EngineRequest(
            id=index,
            source_ids=[*style.prefix_ids, *ids, *style.suffix_ids],
            strategy=Greedy(options, manifest.special_tokens),
        )

    def _text(self, tokens: Iterable[int]) -> str:
        return self._bundle.tokenizer.decode(list(tokens)).strip()
