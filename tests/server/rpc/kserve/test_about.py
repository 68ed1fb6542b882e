"""What the Open Inference Protocol tells of the server and its models."""

from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from server.stubs.inference import inference_pb2 as proto
from tests.server.rpc.fakes import RunningServer
from tests.server.rpc.kserve.asking import SERVICE


async def test_a_server_that_runs_is_live(stub: Any) -> None:
    assert (await stub.ServerLive(proto.ServerLiveRequest())).live


async def test_server_and_model_are_ready_when_health_says_so(
    server: RunningServer, stub: Any
) -> None:
    def asked() -> list[Any]:
        return [
            stub.ServerReady(proto.ServerReadyRequest()),
            stub.ModelReady(proto.ModelReadyRequest(name="fake")),
            stub.ModelReady(proto.ModelReadyRequest()),
        ]

    before = [(await each).ready for each in asked()]
    server.rpc.health.set_serving(True)
    after = [(await each).ready for each in asked()]

    assert (before, after) == ([False] * 3, [True] * 3)


@pytest.mark.parametrize(("name", "version"), [("other", ""), ("fake", "9")])
async def test_a_model_that_is_not_served_is_not_ready(
    server: RunningServer, stub: Any, name: str, version: str
) -> None:
    server.rpc.health.set_serving(True)

    assert not (await stub.ModelReady(proto.ModelReadyRequest(name=name, version=version))).ready


async def test_the_server_tells_its_name_and_version(stub: Any) -> None:
    metadata = await stub.ServerMetadata(proto.ServerMetadataRequest())

    assert (metadata.name, metadata.version) == ("precis", "9.8.7")
    assert list(metadata.extensions) == ["parameters"]


async def test_a_model_tells_its_versions_and_tensors(stub: Any) -> None:
    metadata = await stub.ModelMetadata(proto.ModelMetadataRequest(name="fake"))

    assert (metadata.name, list(metadata.versions)) == ("fake", ["1.2.3"])
    assert metadata.platform == "onnx_onnxv1"
    (text,) = metadata.inputs
    assert (text.name, text.datatype, list(text.shape)) == ("text_input", "BYTES", [-1, 1])
    assert [(output.name, output.datatype) for output in metadata.outputs] == [
        ("text_output", "BYTES"),
        ("finish_reason", "BYTES"),
        ("reading", "BYTES"),
        ("warnings", "BYTES"),
        ("source_tokens", "INT64"),
        ("summary_tokens", "INT64"),
    ]


async def test_metadata_of_an_unknown_model_is_not_found(stub: Any) -> None:
    call = stub.ModelMetadata(proto.ModelMetadataRequest(name="other"))

    assert await call.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_describes_the_service_by_its_published_name(
    server: RunningServer,
) -> None:
    question = reflection_pb2.ServerReflectionRequest(
        file_containing_symbol=f"{SERVICE}.ModelInfer"
    )
    stub = ServerReflectionStub(server.channel)
    (answer,) = [each async for each in stub.ServerReflectionInfo(iter([question]))]

    (file,) = answer.file_descriptor_response.file_descriptor_proto
    assert b"inference/inference.proto" in file
    assert b"stubs" not in file
