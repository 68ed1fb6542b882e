"""Real documents through the real engine, for tests of the runtime."""

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bundle.load import Bundle
from bundle.normalise import normalise
from model.decoding.generate import GreedyOptions, greedy
from model.text_summarizer import TextSummarizer
from server.decoding.greedy import Greedy
from server.decoding.strategy import Hypothesis, Outcome, Strategy
from server.engine.drive import finish
from server.engine.engine import Engine
from server.engine.request import EngineRequest
from server.engine.runner import ModelRunner
from server.engine.scheduler import EngineConfig
from server.offline.tokens import strategy_for
from server.types import DecodingOptions

ROOT = Path(__file__).parent.parent.parent.parent
LANES = (256, 512, 1024)
MAX_TOKENS = 24
NEVER = (0, 2, 3, 4, 5, 6, 7)
strategy = strategy_for


def documents(count: int) -> list[str]:
    """Half English, half Chinese, of many lengths."""
    texts = []
    for name in ("arxiv_tldr_en", "arxiv_tldr_zh"):
        with (ROOT / "tests" / "data" / f"{name}.jsonl").open(encoding="utf-8") as lines:
            texts += [json.loads(line)["document"] for line in islice(lines, count // 2)]
    return texts


def source_ids(bundle: Bundle, document: str, style: str = "brief") -> list[int]:
    found = bundle.manifest.style(style)
    assert found is not None
    ids = bundle.tokenizer.encode(normalise(document))[: bundle.manifest.limits.max_source_tokens]
    return [*found.prefix_ids, *ids, *found.suffix_ids]


def decoding(**changes: Any) -> DecodingOptions:
    """Options of a short summary; greedy and without drafts unless told otherwise."""
    defaults = {"max_tokens": MAX_TOKENS, "no_repeat_ngram_size": 3, "speculation": False}
    return DecodingOptions(**defaults | changes)


class Recorded(Greedy):
    """Greedy decoding that remembers how near the runner-up was at each step."""

    def __init__(self, bundle: Bundle, max_tokens: int = MAX_TOKENS) -> None:
        super().__init__(decoding(max_tokens=max_tokens), bundle.manifest.special_tokens)
        self.margins: list[float] = []

    def advance(self, outcome: Outcome) -> bool:
        best, runner_up = outcome.log_probs[0, :2].tolist()
        self.margins.append(best - runner_up)
        return super().advance(outcome)


def oracle_tokens(bundle: Bundle, sources: Sequence[Sequence[int]]) -> list[list[int]]:
    """What PyTorch writes by the options of `decoding`, end tokens not counted."""
    model = TextSummarizer(ROOT / "models" / "default" / "checkpoint").model
    special = bundle.manifest.special_tokens
    options = GreedyOptions(max_tokens=MAX_TOKENS, no_repeat_ngram_size=3, banned_ids=NEVER)
    return [
        [token for token in greedy(model, source, options).tokens if token != special.end_id]
        for source in sources
    ]


def run(
    runner: ModelRunner,
    sources: Sequence[Sequence[int]],
    strategies: Sequence[Strategy],
    arrivals: Iterable[int] | None = None,
) -> list[Sequence[Hypothesis]]:
    """Runs all in one engine; the i-th arrives before the step that `arrivals` names."""
    engine = Engine(EngineConfig(LANES, max_rows=24, max_encode_tokens=1024), runner)
    requests = [
        EngineRequest(id=index, source_ids=source, strategy=each)
        for index, (source, each) in enumerate(zip(sources, strategies, strict=True))
    ]
    return [each.hypotheses for each in finish(engine, requests, at_steps=arrivals)]


def tokens(found: Iterable[Sequence[Hypothesis]]) -> list[list[int]]:
    """The best summary of each."""
    return [list(hypotheses[0].tokens) for hypotheses in found]
