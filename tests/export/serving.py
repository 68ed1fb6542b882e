"""Runs strategies through the server's engine on a real bundle."""

from collections.abc import Iterable, Sequence

from bundle.load import Bundle
from bundle.normalise import normalise
from server.decoding.strategy import Strategy
from server.engine.drive import finish
from server.engine.engine import Engine
from server.engine.request import EngineRequest, Finished
from server.engine.runner import ModelRunner
from server.engine.scheduler import EngineConfig

LANES = (16, 64)

DOCUMENTS = [
    "The cat sat on the mat.",
    "A model reads a document once and then writes its summary word by word.",
    "机器学习模型 reads 中文 too.",
    "Short.",
    "Numbers such as 1,234 and names such as Zürich are copied; the rest is said in other words.",
]


def sources_of(bundle: Bundle) -> list[list[int]]:
    """What the encoder reads of the documents."""
    (style,) = bundle.manifest.styles
    longest = bundle.manifest.limits.max_source_tokens
    return [
        [
            *style.prefix_ids,
            *bundle.tokenizer.encode((style.prefix_text or "") + normalise(document))[:longest],
            *style.suffix_ids,
        ]
        for document in DOCUMENTS
    ]


def serve(
    runner: ModelRunner,
    jobs: Sequence[tuple[Sequence[int], Strategy]],
    arrivals: Iterable[int] | None = None,
) -> list[Finished]:
    """Runs all sources in one engine; the i-th arrives before the step that `arrivals` names."""
    engine = Engine(EngineConfig(LANES, max_rows=24, max_encode_tokens=256), runner)
    requests = [
        EngineRequest(id=index, source_ids=source, strategy=strategy)
        for index, (source, strategy) in enumerate(jobs)
    ]
    return finish(engine, requests, at_steps=arrivals)
