"""Server reflection: describes the services to tools that have no proto file.

It answers under the names v1 and v1alpha, whose messages are the same on the wire. grpc_reflection
has a servicer too, but it knows v1alpha only, cannot find a method or a field by its name, and
leaves out the JSON names of fields.
"""

from collections.abc import Iterable

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from grpc_reflection.v1alpha import reflection_pb2 as wire

from server.rpc.call import END_OF_STREAM, Context
from server.rpc.described import DescribedFiles

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


class Reflection:
    """Tells which services there are, and what the proto files of these services hold."""

    def __init__(self, services: Iterable[ServiceDescriptor]) -> None:
        services = list(services)
        self._services = sorted({*(each.full_name for each in services), *SERVICES})
        self._files = DescribedFiles(each.file for each in services)

    def register(self, server: grpc.aio.Server) -> None:
        """Adds its one method to a server, under both names."""
        method = grpc.stream_stream_rpc_method_handler(
            self._converse,
            wire.ServerReflectionRequest.FromString,
            wire.ServerReflectionResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            tuple(
                grpc.method_handlers_generic_handler(service, {"ServerReflectionInfo": method})
                for service in SERVICES
            )
        )

    async def _converse(self, _: object, context: Context) -> None:
        while (request := await context.read()) is not END_OF_STREAM:
            await context.write(self.answer(request))

    def answer(self, request: wire.ServerReflectionRequest) -> wire.ServerReflectionResponse:
        """Answers one question."""
        answer = wire.ServerReflectionResponse(valid_host=request.host, original_request=request)
        match request.WhichOneof("message_request"):
            case "list_services":
                services = [wire.ServiceResponse(name=name) for name in self._services]
                answer.list_services_response.service.extend(services)
            case "file_by_filename":
                name = request.file_by_filename
                _fill(answer, self._files.named(name), f"no file {name} is described here")
            case "file_containing_symbol":
                name = request.file_containing_symbol
                _fill(answer, self._files.defining(name), f"nothing here is named {name}")
            case "file_containing_extension":
                _refuse(answer, grpc.StatusCode.NOT_FOUND, "nothing here has extensions")
            case "all_extension_numbers_of_type":
                name = request.all_extension_numbers_of_type
                if self._files.has_message(name):
                    answer.all_extension_numbers_response.base_type_name = name
                else:
                    _refuse(answer, grpc.StatusCode.NOT_FOUND, f"no message {name} here")
            case _:
                _refuse(answer, grpc.StatusCode.INVALID_ARGUMENT, "the request asks for nothing")
        return answer


def _fill(answer: wire.ServerReflectionResponse, files: tuple[bytes, ...], problem: str) -> None:
    if files:
        answer.file_descriptor_response.file_descriptor_proto.extend(files)
    else:
        _refuse(answer, grpc.StatusCode.NOT_FOUND, problem)


def _refuse(answer: wire.ServerReflectionResponse, code: grpc.StatusCode, problem: str) -> None:
    answer.error_response.error_code = code.value[0]
    answer.error_response.error_message = problem
