"""A bundle and a runner, and engines over them: token ids in, token ids out."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bundle.load import Bundle, load_bundle
from server.decoding.choose import make_strategy
from server.decoding.strategy import Strategy
from server.engine.drive import finish
from server.engine.engine import Engine
from server.engine.lanes import lanes_for
from server.engine.request import EngineRequest, Finished, Terms
from server.engine.scheduler import EngineConfig
from server.runtime.make_runner import make_runner
from server.runtime.options import RunnerOptions
from server.runtime.providers.provider import ServingRunner
from server.types import DecodingOptions

_log = logging.getLogger(__name__)


class TokenEngine:
    """Makes engines and requests. Engines share the runner, so only one may be at work."""

    def __init__(
        self,
        bundle: Bundle,
        runner: ServingRunner,
        *,
        max_rows: int,
        max_encode_tokens: int,
    ) -> None:
        self.bundle = bundle
        self.runner = runner
        self.max_rows = max_rows
        self._max_encode_tokens = max_encode_tokens

    @classmethod
    def load(cls, directory: Path, **where: Any) -> "TokenEngine":
        """Loads a bundle; `where` and how it runs are fields of RunnerOptions.

        Raises BundleError, and ProviderError or RunnerError if it cannot run there.
        """
        bundle = load_bundle(directory)
        made = make_runner(bundle, RunnerOptions(**where))
        choice = made.choice
        if choice.fallback:
            _log.warning("runs on the CPU instead of a GPU: %s; %s", choice.reason, choice.fix)
        return cls(
            bundle,
            made.runner,
            max_rows=made.max_rows,
            max_encode_tokens=made.encode_tokens,
        )

    @property
    def threads(self) -> int:
        """Threads of the CPU that compute."""
        return self.runner.threads

    def engine(self, max_rows: int = 0, **settings: Any) -> Engine:
        """A new engine; `settings` are further fields of EngineConfig."""
        config = EngineConfig(
            lanes_for(self.bundle.manifest),
            max_rows or self.max_rows,
            max_encode_tokens=self._max_encode_tokens,
            **settings,
        )
        return Engine(config, self.runner)

    def request(
        self,
        request_id: int,
        source_ids: Sequence[int],
        options: DecodingOptions,
        *,
        wants_tokens: bool = False,
    ) -> EngineRequest:
        """A document as an engine takes it."""
        strategy = strategy_for(self.bundle, source_ids, options)
        return EngineRequest(
            id=request_id,
            source_ids=source_ids,
            strategy=strategy,
            terms=Terms(wants_tokens=wants_tokens),
        )

    def encode(self, sources: Sequence[Sequence[int]]) -> None:
        """Encodes sources together and throws away what comes out."""
        encoding = self.runner.begin_encoding(sources)
        while not encoding.advance():
            pass

    def generate(
        self, sources: Iterable[Sequence[int]], options: DecodingOptions
    ) -> list[Finished]:
        """What a new engine writes of each source, in their order. Raises RequestError."""
        requests = [self.request(index, ids, options) for index, ids in enumerate(sources)]
        return finish(self.engine(), requests)


def strategy_for(
    bundle: Bundle,
    source_ids: Sequence[int],
    options: DecodingOptions,
    *,
    speculation: bool = True,
    keeps_looks: bool = False,
) -> Strategy:
    """The way of decoding that the options ask for, with what it must know of the bundle."""
    return make_strategy(
        options,
        bundle.manifest.special_tokens,
        source_ids,
        geometry=bundle.manifest.geometry,
        spelling=bundle.tokenizer.spelling,
        speculation=speculation,
        keeps_looks=keeps_looks,
    )
