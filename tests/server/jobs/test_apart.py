"""Long documents are read in a process of their own, so that they keep no short one waiting."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from server import service
from server.errors import InvalidRequest
from server.jobs.apart import ReaderProcess, read_apart
from server.jobs.job import Job, admit
from server.jobs.reading import read
from server.types import Length, LongDocuments
from tests.server.factories import BUNDLE, make_model, make_request
from tests.server.sharing.harness import TEXT, Harness

PROSE = "Apples grow near the river. Ships carry coal to the capital. Bakers sell fresh bread. "
CODE = "```\n" + "x = compute(y) + 1\n" * 1200 + "```\n"


def job_of(document: str, **changes: object) -> Job:
    model = make_model(max_source_tokens=100)
    request = make_request(document, **changes)  # type: ignore[arg-type]
    return admit(request, lambda *_: model, draw_seed=lambda: 0)


@pytest.fixture(scope="module")
def reader() -> Iterator[ReaderProcess]:
    reader = ReaderProcess(BUNDLE.tokenizer)
    yield reader
    reader.shutdown()


@pytest.mark.parametrize(
    "changes",
    [
        {"long_documents": LongDocuments.COVER, "length": Length(words=20)},
        {"long_documents": LongDocuments.SELECT},
        {"style": "extract"},
    ],
    ids=["cover", "select", "extract"],
)
def test_what_is_read_apart_is_what_is_read_here(
    reader: ReaderProcess, changes: dict[str, object]
) -> None:
    job = job_of(PROSE * 40, **changes)
    here, apart = read(job, BUNDLE.tokenizer), reader.submit(read_apart, job).result()
    assert (apart.way, apart.windows, apart.options) == (here.way, here.windows, here.options)
    assert (apart.compose is None) == (here.compose is None)
    if here.compose is not None:
        guides = ["Bread is sold."] * len(here.windows)
        assert reader.submit(apart.compose, guides).result() == here.compose(guides)


def test_a_refusal_comes_back_with_its_fields(reader: ReaderProcess) -> None:
    job = job_of(CODE, long_documents=LongDocuments.COVER)
    with pytest.raises(InvalidRequest) as caught:
        reader.submit(read_apart, job).result()
    assert [each.field for each in caught.value.violations] == ["long_document_policy"]


def test_a_process_that_was_lost_is_started_again(reader: ReaderProcess) -> None:
    lost = reader.submit(_fall)
    assert lost.exception() is not None
    job = job_of(PROSE * 40, style="extract")
    assert reader.submit(read_apart, job).result().way is read(job, BUNDLE.tokenizer).way


def _fall() -> None:
    import os

    os._exit(1)


class Held(Executor):
    """Does nothing yet."""

    def __init__(self, tokenizer: object) -> None:
        self.waiting: list[Future[Any]] = []

    def submit(  # type: ignore[override]
        self, function: Callable[..., Any], /, *arguments: Any
    ) -> "Future[Any]":
        self.waiting.append(Future())
        return self.waiting[-1]


async def test_a_short_document_overtakes_any_number_of_long_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "ReaderProcess", Held)
    harness = Harness(model=make_model(max_source_tokens=100))
    long = [harness.call(PROSE * (200 + number)) for number in range(4)]
    short = harness.call(TEXT)
    await harness.until(lambda: len(harness.engine.requests) == 1)
    harness.engine.finish(0)
    await short.summary()
    for caller in long:
        assert not caller.task.done()
        await caller.leave()
    await harness.until_empty()
    harness.service.close()
