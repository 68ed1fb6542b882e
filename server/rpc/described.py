"""The proto files of the server's services, and where in them each name is defined."""

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import text_format
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection_pb2

# protoc was run with the stubs' folder in front of each path, which belongs to Python alone.
_STUBS = "/stubs/"
_ALWAYS: tuple[Any, ...] = (  # Any, because each kind of stub has its own type for this
    reflection_pb2.DESCRIPTOR,
    # No field has these types, but every refusal carries such messages.
    error_details_pb2.DESCRIPTOR,
    status_pb2.DESCRIPTOR,
)


class DescribedFiles:
    """Finds files by their name and by what they define. All of it is made once."""

    def __init__(self, of_services: Iterable[FileDescriptor]) -> None:
        roots = _with_dependencies((*of_services, *_ALWAYS))
        files = {each.name: each for each in map(_to_proto, roots)}
        alpha = files[reflection_pb2.DESCRIPTOR.name]
        stable = _renamed(alpha, "v1alpha", "v1")
        self._files = {each.name: each for each in (*files.values(), stable)}
        self._file_of = {
            name: file for file in self._files.values() for name in _names_defined_in(file)
        }
        self._messages = {
            name
            for file in self._files.values()
            for name, _ in _messages(file.package, file.message_type)
        }

    def named(self, file_name: str) -> tuple[bytes, ...]:
        """The file of this name and all that it imports, itself first; empty if there is none."""
        return self._serialized(self._files.get(file_name))

    def defining(self, name: str) -> tuple[bytes, ...]:
        """The file that defines this service, method, message, field, enum or value, likewise."""
        return self._serialized(self._file_of.get(name))

    def has_message(self, name: str) -> bool:
        """Whether a message has this full name."""
        return name in self._messages

    def _serialized(self, file: FileDescriptorProto | None) -> tuple[bytes, ...]:
        needed = {} if file is None else {file.name: file}
        queue = list(needed.values())
        for each in queue:
            for dependency in each.dependency:
                if dependency not in needed:
                    needed[dependency] = self._files[dependency]
                    queue.append(needed[dependency])
        return tuple(each.SerializeToString() for each in queue)


def _with_dependencies(files: Iterable[FileDescriptor]) -> Iterator[FileDescriptor]:
    for file in files:
        yield file
        yield from _with_dependencies(file.dependencies)


def _to_proto(file: FileDescriptor) -> FileDescriptorProto:
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    proto.name = proto.name.rpartition(_STUBS)[2]
    # Python's descriptors lack them, and tools print fields by them.
    for field in _fields(proto.message_type):
        field.json_name = field.json_name or _json_name(field.name)
    return proto


def _renamed(file: FileDescriptorProto, old: str, new: str) -> FileDescriptorProto:
    text = text_format.MessageToString(file).replace(old, new)
    return text_format.Parse(text, FileDescriptorProto())


def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def _fields(messages: Iterable[DescriptorProto]) -> Iterator[FieldDescriptorProto]:
    for message in messages:
        yield from message.field
        yield from _fields(message.nested_type)


def _names_defined_in(file: FileDescriptorProto) -> Iterator[str]:
    for service in file.service:
        yield f"{file.package}.{service.name}"
        for method in service.method:
            yield f"{file.package}.{service.name}.{method.name}"
    yield from _enum_names(file.package, file.enum_type)
    for name, message in _messages(file.package, file.message_type):
        yield name
        yield from (f"{name}.{field.name}" for field in message.field)
        yield from (f"{name}.{oneof.name}" for oneof in message.oneof_decl)
        yield from _enum_names(name, message.enum_type)


def _messages(
    prefix: str, messages: Iterable[DescriptorProto]
) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{prefix}.{message.name}"
        yield name, message
        yield from _messages(name, message.nested_type)


def _enum_names(prefix: str, enums: Iterable[EnumDescriptorProto]) -> Iterator[str]:
    for enum in enums:
        yield f"{prefix}.{enum.name}"
        for value in enum.value:
            # protobuf has values stand beside their enum; people, and grpcurl, look for them in it.
            yield f"{prefix}.{value.name}"
            yield f"{prefix}.{enum.name}.{value.name}"
