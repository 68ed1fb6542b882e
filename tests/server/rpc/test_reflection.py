"""Reflection: what tools without a proto file can find out."""

from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as wire

from server.rpc.health import Health
from server.rpc.reflection import SERVICES, Reflection
from server.rpc.summarizer import SummarizerServicer
from tests.server.rpc.fakes import RunningServer, serve_fake

NOT_FOUND = grpc.StatusCode.NOT_FOUND.value[0]
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT.value[0]


@pytest.fixture(scope="module")
def reflection() -> Reflection:
    return Reflection([SummarizerServicer.descriptor, Health.descriptor])


def files_of(reflection: Reflection, **question: str) -> list[FileDescriptorProto]:
    """The files that answer a question, none if it is refused as not found."""
    answer = reflection.answer(wire.ServerReflectionRequest(**question))
    if answer.HasField("error_response"):
        assert answer.error_response.error_code == NOT_FOUND
    serialized = answer.file_descriptor_response.file_descriptor_proto
    return [FileDescriptorProto.FromString(each) for each in serialized]


async def ask(server: RunningServer, service: str, **question: str) -> Any:
    call = server.channel.stream_stream(
        f"/{service}/ServerReflectionInfo",
        wire.ServerReflectionRequest.SerializeToString,
        wire.ServerReflectionResponse.FromString,
    )(iter([wire.ServerReflectionRequest(**question)]))
    (answer,) = [each async for each in call]
    return answer


@pytest.mark.parametrize("service", SERVICES)
async def test_both_versions_list_every_service(server: RunningServer, service: str) -> None:
    answer = await ask(server, service, list_services="*")

    assert [each.name for each in answer.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "summarizer.v1.Summarizer",
    ]


@pytest.mark.parametrize("service", SERVICES)
async def test_reflection_can_be_turned_off(service: str) -> None:
    async with serve_fake(reflection=False) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(server, service, list_services="*")

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("summarizer.v1.Summarizer", "summarizer/v1/summarizer.proto"),
        ("summarizer.v1.Summarizer.SummarizeBatch", "summarizer/v1/summarizer.proto"),
        ("summarizer.v1.DecodingOptions", "summarizer/v1/summarizer.proto"),
        ("summarizer.v1.DecodingOptions.num_beams", "summarizer/v1/summarizer.proto"),
        ("summarizer.v1.SummarizeStreamResponse.event", "summarizer/v1/summarizer.proto"),
        ("summarizer.v1.FinishReason", "summarizer/v1/summarizer.proto"),
        ("summarizer.v1.FINISH_REASON_STOP", "summarizer/v1/summarizer.proto"),
        ("summarizer.v1.FinishReason.FINISH_REASON_STOP", "summarizer/v1/summarizer.proto"),
        ("google.rpc.BadRequest.FieldViolation", "google/rpc/error_details.proto"),
        ("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc_health/v1/health.proto"),
    ],
)
def test_whatever_a_file_defines_is_found_by_its_name(
    reflection: Reflection, name: str, file: str
) -> None:
    defining, *_ = files_of(reflection, file_containing_symbol=name)

    assert defining.name == file


@pytest.mark.parametrize("service", SERVICES)
def test_the_reflection_services_describe_themselves(reflection: Reflection, service: str) -> None:
    file, *_ = files_of(reflection, file_containing_symbol=f"{service}.ServerReflectionInfo")

    package = service.removesuffix(".ServerReflection")
    assert file.package == package
    assert file.service[0].method[0].input_type == f".{package}.ServerReflectionRequest"


def test_a_file_comes_with_all_that_it_imports(reflection: Reflection) -> None:
    first, *others = files_of(reflection, file_by_filename="summarizer/v1/summarizer.proto")

    assert [each.name for each in others] == ["google/protobuf/duration.proto"]
    assert list(first.dependency) == ["google/protobuf/duration.proto"]


def test_every_field_has_its_json_name(reflection: Reflection) -> None:
    file, *_ = files_of(reflection, file_by_filename="summarizer/v1/summarizer.proto")

    names = {field.name: field.json_name for each in file.message_type for field in each.field}
    assert names["finish_reason"] == "finishReason"
    assert names["no_repeat_ngram_size"] == "noRepeatNgramSize"
    assert names["summary"] == "summary"
    assert all(names.values())


@pytest.mark.parametrize(
    "question",
    [
        {"file_containing_symbol": "summarizer.v1.Nothing"},
        {"file_containing_symbol": ""},
        {"file_by_filename": "summarizer/v2/summarizer.proto"},
        {"all_extension_numbers_of_type": "summarizer.v1.Nothing"},
    ],
)
def test_what_is_not_there_is_not_found(reflection: Reflection, question: dict[str, str]) -> None:
    answer = reflection.answer(wire.ServerReflectionRequest(**question))

    assert answer.error_response.error_code == NOT_FOUND
    assert answer.original_request == wire.ServerReflectionRequest(**question)


def test_no_message_has_extensions(reflection: Reflection) -> None:
    name = "summarizer.v1.Usage"
    numbers = reflection.answer(wire.ServerReflectionRequest(all_extension_numbers_of_type=name))
    extension = wire.ExtensionRequest(containing_type=name, extension_number=1)
    file = reflection.answer(wire.ServerReflectionRequest(file_containing_extension=extension))

    assert numbers.all_extension_numbers_response.base_type_name == name
    assert list(numbers.all_extension_numbers_response.extension_number) == []
    assert file.error_response.error_code == NOT_FOUND


def test_a_request_for_nothing_is_invalid(reflection: Reflection) -> None:
    answer = reflection.answer(wire.ServerReflectionRequest(host="example"))

    assert answer.error_response.error_code == INVALID_ARGUMENT
    assert answer.valid_host == "example"
