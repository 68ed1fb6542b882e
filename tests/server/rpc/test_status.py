"""What each error looks like to the caller."""

import logging
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server import errors
from server.errors import Violation
from server.rpc.status import explain, to_item_error, to_status, trailing_metadata
from tests.server.rpc.fakes import PIECES, RunningServer

PRIVATE = "the patient's name"

BAD_STYLE = Violation("style", "'loud' is unknown; this model has: brief")
BAD_MAX = Violation("options.max_tokens", "is 0, must be from 1 to 128")

CASES: list[tuple[Exception, grpc.StatusCode, str]] = [
    (
        errors.InvalidRequest(BAD_STYLE, BAD_MAX),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
    ),
    (
        errors.MessageTooLarge(5_000_005, 4_194_304),
        grpc.StatusCode.INVALID_ARGUMENT,
        "MESSAGE_TOO_LARGE",
    ),
    (errors.NotServed(BAD_MAX), grpc.StatusCode.UNIMPLEMENTED, "NOT_SERVED"),
    (errors.MissingKey(), grpc.StatusCode.UNAUTHENTICATED, "MISSING_KEY"),
    (errors.UnknownKey(), grpc.StatusCode.UNAUTHENTICATED, "UNKNOWN_KEY"),
    (errors.UnknownModel("m", "2", "m version 1"), grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL"),
    (
        errors.Overloaded("256 documents are in work", quota="documents", retry_after_s=1.25),
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "OVERLOADED",
    ),
    (errors.OutOfMemory(9000), grpc.StatusCode.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY"),
    (errors.Draining(), grpc.StatusCode.UNAVAILABLE, "DRAINING"),
    (errors.DeviceLost(), grpc.StatusCode.UNAVAILABLE, "DEVICE_LOST"),
    (
        errors.DeadlineExpired("waiting"),
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_EXPIRED",
    ),
    (
        errors.DeadlineTooShort(estimate_s=2.5, remaining_s=1.0),
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_TOO_SHORT",
    ),
    (errors.EngineFailure("a step failed"), grpc.StatusCode.INTERNAL, "ENGINE_FAILURE"),
    (ValueError(PRIVATE), grpc.StatusCode.INTERNAL, "INTERNAL"),
]
EVERY_ERROR = pytest.mark.parametrize(
    ("error", "code", "reason"), CASES, ids=[type(case[0]).__name__ for case in CASES]
)


def test_no_error_of_the_tree_is_left_out() -> None:
    tree = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.RequestError)
        and not kind.__name__.startswith("_")
    }

    assert tree - {errors.RequestError} == {type(error) for error, _, _ in CASES} - {ValueError}


@EVERY_ERROR
@pytest.mark.parametrize("method", ["Summarize", "SummarizeStream"])
async def test_each_error_ends_a_call_with_its_code_and_reason(
    server: RunningServer, error: Exception, code: grpc.StatusCode, reason: str, method: str
) -> None:
    server.fake.script["bad"] = error

    caught = await _failure(server, method)

    status = rpc_status.from_call(_Ended(caught))
    assert caught.code() is code
    assert status.code == code.value[0]
    assert status.message == caught.details()
    info = _detail(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == (reason, "precis.summarizer.v1")
    assert server.sample("precis_requests_total", rpc=method, code=code.name) == 1
    assert server.sample("precis_request_failures_total", reason=reason) == 1


@EVERY_ERROR
async def test_an_item_fails_with_what_a_call_would_have_failed_with(
    server: RunningServer, error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    server.fake.script["bad"] = error

    caught = await _failure(server, "Summarize")
    call = server.stub.SummarizeBatch()
    await call.write(
        pb.SummarizeBatchRequest(item_id="one", request=pb.SummarizeRequest(document="bad"))
    )
    item = (await call.read()).error

    assert (item.code, item.reason) == (code.value[0], reason)
    assert item.message == caught.details()
    status = rpc_status.from_call(_Ended(caught))
    fields = _detail(status, error_details_pb2.BadRequest).field_violations
    assert [(each.field, each.description) for each in item.field_violations] == [
        (each.field, each.description) for each in fields
    ]
    assert item.retry_delay == _detail(status, error_details_pb2.RetryInfo).retry_delay
    assert server.sample("precis_batch_items_total", code=code.name) == 1


async def test_every_refused_field_is_named(server: RunningServer) -> None:
    server.fake.script["bad"] = errors.InvalidRequest(BAD_STYLE, BAD_MAX)

    caught = await _failure(server, "Summarize")

    refused = _detail(rpc_status.from_call(_Ended(caught)), error_details_pb2.BadRequest)
    assert [(each.field, each.description) for each in refused.field_violations] == [
        (BAD_STYLE.field, BAD_STYLE.description),
        (BAD_MAX.field, BAD_MAX.description),
    ]
    assert BAD_STYLE.description in caught.details()
    assert BAD_MAX.description in caught.details()


async def test_overload_says_when_to_come_back_to_people_and_to_grpc(
    server: RunningServer,
) -> None:
    server.fake.script["bad"] = errors.Overloaded("full", quota="documents", retry_after_s=1.25)

    caught = await _failure(server, "Summarize")

    retry = _detail(rpc_status.from_call(_Ended(caught)), error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 1250
    assert dict(caught.trailing_metadata())["grpc-retry-pushback-ms"] == "1250"


async def test_overload_says_which_limit_was_met(server: RunningServer) -> None:
    server.fake.script["bad"] = errors.Overloaded(
        "the queue is too long", quota="seconds", retry_after_s=1.0
    )

    status = rpc_status.from_call(_Ended(await _failure(server, "Summarize")))

    (violation,) = _detail(status, error_details_pb2.QuotaFailure).violations
    assert (violation.subject, violation.description) == ("queue.seconds", "the queue is too long")
    assert _detail(status, error_details_pb2.ErrorInfo).metadata == {"quota": "seconds"}


async def test_a_deadline_that_is_too_short_is_told_the_estimate(server: RunningServer) -> None:
    server.fake.script["bad"] = errors.DeadlineTooShort(estimate_s=2.5, remaining_s=1.0)

    caught = await _failure(server, "Summarize")

    assert caught.details() == (
        "this document takes about 2.5 s even on an idle server, and 1 s are left of its deadline"
    )
    info = _detail(rpc_status.from_call(_Ended(caught)), error_details_pb2.ErrorInfo)
    assert info.metadata == {"estimate_s": "2.500"}


@pytest.mark.parametrize(
    ("remaining_s", "pushback_ms"), [(None, "1250"), (1.3, "1250"), (1.2, "-1")]
)
def test_a_client_without_time_to_come_back_is_told_not_to_wait(
    remaining_s: float | None, pushback_ms: str
) -> None:
    failure = explain(errors.Overloaded("full", quota="documents", retry_after_s=1.25))

    metadata = dict(trailing_metadata(failure, "id", remaining_s))

    assert metadata["grpc-retry-pushback-ms"] == pushback_ms


async def test_a_document_without_memory_is_told_its_size_and_when_to_come_back(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fake.script["bad"] = errors.OutOfMemory(9000)

    with caplog.at_level(logging.ERROR):
        caught = await _failure(server, "Summarize")

    assert "not enough memory for a document of 9000 source tokens" in caught.details()
    retry = _detail(rpc_status.from_call(_Ended(caught)), error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 5000
    assert dict(caught.trailing_metadata())["grpc-retry-pushback-ms"] == "5000"
    # Ours to look into, not the caller's mistake.
    assert "request failed" in caplog.messages


async def test_a_stock_client_comes_back_as_told() -> None:
    failure = explain(errors.Overloaded("full", quota="documents", retry_after_s=0.0101))

    assert ("grpc-retry-pushback-ms", "11") in trailing_metadata(failure, "id")


async def test_an_unforeseen_error_tells_the_caller_nothing_and_the_log_where(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fake.script["bad"] = ValueError(PRIVATE)

    with caplog.at_level(logging.ERROR):
        caught = await _failure(server, "Summarize")

    assert PRIVATE not in str(caught)
    assert PRIVATE not in str(caught.trailing_metadata())
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


async def test_a_callers_mistake_is_no_error_in_the_log(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fake.script["bad"] = errors.InvalidRequest(BAD_STYLE)

    with caplog.at_level(logging.WARNING):
        await _failure(server, "Summarize")

    assert caplog.records == []


async def test_an_error_halfway_ends_the_stream_with_its_status(server: RunningServer) -> None:
    server.fake.script["bad"] = errors.EngineFailure("a step failed")
    call = server.stub.SummarizeStream(pb.SummarizeRequest(document="bad"))

    received = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _collect(call, received)

    assert [message.delta.text for message in received] == list(PIECES)
    assert caught.value.code() is grpc.StatusCode.INTERNAL


LONG_TEXTS = pytest.mark.parametrize(
    "text", ["x" * 100_000, "摘" * 100_000], ids=["ascii", "chinese"]
)


@LONG_TEXTS
async def test_the_longest_refusal_arrives_whole(server: RunningServer, text: str) -> None:
    many = (Violation(f"options.number_{i}", text) for i in range(100))
    server.fake.script["bad"] = errors.InvalidRequest(*many)

    caught = await _failure(server, "Summarize")

    assert caught.code() is grpc.StatusCode.INVALID_ARGUMENT
    refused = _detail(rpc_status.from_call(_Ended(caught)), error_details_pb2.BadRequest)
    assert refused.field_violations[0].field == "options.number_0"


@LONG_TEXTS
def test_no_status_outgrows_what_a_client_takes(text: str) -> None:
    error = errors.InvalidRequest(*(Violation(f"options.number_{i}", text) for i in range(100)))

    failure = explain(error)

    size = sum(
        len(key) + len(value) for key, value in trailing_metadata(failure, "r" * 128)
    ) + 3 * len(failure.message.encode())
    assert size < 8192 * 3 / 4
    assert failure.message.endswith("…")
    assert to_status(failure).message == failure.message


def test_a_status_without_fields_or_delay_says_nothing_of_them() -> None:
    item = to_item_error(explain(errors.Draining()))

    assert not item.field_violations
    assert not item.HasField("retry_delay")


async def _failure(server: RunningServer, method: str) -> grpc.aio.AioRpcError:
    call = getattr(server.stub, method)(pb.SummarizeRequest(document="bad"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (call if method == "Summarize" else _collect(call, []))
    return caught.value


async def _collect(call: Any, received: list[Any]) -> None:
    async for message in call:
        received.append(message)  # noqa: PERF401 - a comprehension would lose them on an error


def _detail(status: Any, kind: Any) -> Any:
    """The detail of a kind, empty if there is none."""
    found = kind()
    for packed in status.details:
        if packed.Unpack(found):
            break
    return found


class _Ended:
    """A failed call as grpc_status reads it."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self._error = error

    def code(self) -> grpc.StatusCode:
        return self._error.code()

    def details(self) -> str:
        return self._error.details() or ""

    def trailing_metadata(self) -> Any:
        return self._error.trailing_metadata()
