"""Every status that a server may answer with, and the error that it becomes."""

import pickle

import grpc
import pytest
from google.rpc import status_pb2

from precis_client import (
    AccessDenied,
    Cancelled,
    Client,
    DeadlineExceeded,
    FieldViolation,
    InternalError,
    InvalidRequest,
    MessageTooLarge,
    NotFound,
    NotSupported,
    Overloaded,
    PrecisError,
    Unavailable,
)
from precis_client._status import error_from_rpc
from tests.fakes.scripted_summarizer import Refusal, ScriptedServer

Code = grpc.StatusCode
ERROR_OF_CODE = {
    Code.CANCELLED: Cancelled,
    Code.UNKNOWN: InternalError,
    Code.INVALID_ARGUMENT: InvalidRequest,
    Code.DEADLINE_EXCEEDED: DeadlineExceeded,
    Code.NOT_FOUND: NotFound,
    Code.ALREADY_EXISTS: InternalError,
    Code.PERMISSION_DENIED: AccessDenied,
    Code.RESOURCE_EXHAUSTED: Overloaded,
    Code.FAILED_PRECONDITION: InternalError,
    Code.ABORTED: InternalError,
    Code.OUT_OF_RANGE: InvalidRequest,
    Code.UNIMPLEMENTED: NotSupported,
    Code.INTERNAL: InternalError,
    Code.UNAVAILABLE: Unavailable,
    Code.DATA_LOSS: InternalError,
    Code.UNAUTHENTICATED: AccessDenied,
}
FULL_REFUSAL = Refusal(
    Code.INVALID_ARGUMENT,
    "two fields are wrong",
    "OPTIONS_OUT_OF_RANGE",
    violations=(("options.max_tokens", "9999 is above 128"), ("style", "no style 'x'")),
    retry_after_s=2.25,
)


class FailedCall(grpc.RpcError):
    """A failed call as gRPC would raise it, with whatever metadata a proxy left."""

    def __init__(self, metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        self._metadata = metadata

    def code(self) -> grpc.StatusCode:
        return Code.INVALID_ARGUMENT

    def details(self) -> str:
        return "it is wrong"

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self._metadata


def test_every_status_code_has_its_error() -> None:
    assert ERROR_OF_CODE.keys() == set(Code) - {Code.OK}


@pytest.mark.parametrize("code", ERROR_OF_CODE, ids=lambda code: code.name)
def test_a_call_and_an_item_that_end_with_a_code_raise_its_error(
    code: grpc.StatusCode, server: ScriptedServer, client: Client
) -> None:
    server.summarizer.default = Refusal(code)

    with pytest.raises(PrecisError) as caught:
        client.summarize("A document.")
    (item,) = client.batch(["A document."])

    assert type(caught.value) is type(item.error) is ERROR_OF_CODE[code]
    assert caught.value.code == code.name


def test_everything_that_a_refusal_says_is_in_the_error(
    server: ScriptedServer, client: Client
) -> None:
    server.summarizer.default = FULL_REFUSAL

    with pytest.raises(InvalidRequest) as caught:
        client.summarize("A document.")

    assert vars(caught.value) == {
        "message": "two fields are wrong",
        "code": "INVALID_ARGUMENT",
        "reason": "OPTIONS_OUT_OF_RANGE",
        "request_id": "made-by-server",
        "field_violations": (
            FieldViolation("options.max_tokens", "9999 is above 128"),
            FieldViolation("style", "no style 'x'"),
        ),
        "retry_after_s": 2.25,
    }
    assert str(caught.value) == "two fields are wrong"


def test_an_item_of_a_batch_says_as_much_as_a_call(server: ScriptedServer, client: Client) -> None:
    server.summarizer.default = FULL_REFUSAL

    with pytest.raises(InvalidRequest) as caught:
        client.summarize("A document.", request_id="abc")
    (item,) = client.batch([("abc", "A document.")])

    assert vars(item.error) == vars(caught.value)


def test_an_unknown_status_number_of_an_item_is_a_fault(
    server: ScriptedServer, client: Client
) -> None:
    class NewCode:
        value = (99, "new")

    server.summarizer.default = Refusal(NewCode())  # type: ignore[arg-type]

    (item,) = client.batch(["A document."])

    assert isinstance(item.error, InternalError)
    assert item.error.code == "UNKNOWN"


def test_a_message_above_the_limit_of_grpc_is_no_overload(client: Client) -> None:
    with pytest.raises(MessageTooLarge, match="larger than max") as caught:
        client.summarize("x" * 5_000_000)

    assert isinstance(caught.value, InvalidRequest)


def test_a_message_that_the_server_itself_finds_too_large_raises_the_same_error(
    server: ScriptedServer, client: Client
) -> None:
    size = FieldViolation("(message)", "has 5000005 bytes, at most 4194304 are taken")
    server.summarizer.default = Refusal(
        Code.INVALID_ARGUMENT,
        f"{size.field}: {size.description}",
        "MESSAGE_TOO_LARGE",
        violations=((size.field, size.description),),
    )

    with pytest.raises(MessageTooLarge) as caught:
        client.summarize("A document.")
    (item,) = client.batch(["A document."])

    assert caught.value.field_violations == (size,)
    assert type(item.error) is MessageTooLarge


@pytest.mark.parametrize("options", [{"max_tokens": 2**31}, {"seed": -1}])
def test_a_number_that_the_wire_cannot_carry_is_an_invalid_request(
    client: Client, options: dict[str, int]
) -> None:
    from precis_client import DecodingOptions

    with pytest.raises(InvalidRequest) as caught:
        client.summarize("A document.", options=DecodingOptions(**options))

    (name,) = options
    assert [each.field for each in caught.value.field_violations] == [f"options.{name}"]


def test_text_that_utf_8_cannot_encode_is_an_invalid_request(client: Client) -> None:
    with pytest.raises(InvalidRequest, match="document") as caught:
        client.summarize("half a character: \ud800")

    assert caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("grpc-status-details-bin", b"\xff\xff\xff"),),
        (("grpc-status-details-bin", b""), ("x-other", "1")),
    ],
)
def test_missing_or_mangled_details_do_not_hide_the_error(
    metadata: tuple[tuple[str, str | bytes], ...],
) -> None:
    error = error_from_rpc(FailedCall(metadata), request_id="abc")

    assert type(error) is InvalidRequest
    assert (error.message, error.field_violations, error.request_id) == ("it is wrong", (), "abc")


def test_details_of_other_kinds_are_passed_over() -> None:
    status = status_pb2.Status(code=3)
    status.details.add(type_url="type.googleapis.com/some.Other", value=b"\x01")
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)

    assert error_from_rpc(FailedCall(metadata)).field_violations == ()


def test_an_error_survives_the_way_to_another_process() -> None:
    error = Overloaded("full", code="RESOURCE_EXHAUSTED", retry_after_s=1.5)

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes

    assert type(copy) is Overloaded
    assert vars(copy) == vars(error)
    assert str(copy) == "full"
