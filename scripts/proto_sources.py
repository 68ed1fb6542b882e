"""Reads proto files with their comments, for whatever is made from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf import descriptor_pb2 as pb
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"

# The field numbers by which descriptor.proto's paths lead from a file or element to its parts.
_PARTS_OF_FILE = (("service", 6), ("message_type", 4), ("enum_type", 5))
_PARTS = {
    pb.ServiceDescriptorProto: (("method", 2),),
    pb.DescriptorProto: (("field", 2), ("oneof_decl", 8), ("nested_type", 3), ("enum_type", 4)),
    pb.EnumDescriptorProto: (("value", 2),),
}


@dataclass(frozen=True)
class Element:
    """A service, method, message, field, oneof, enum or value, and the comment that leads it."""

    name: str
    """The full name without the package, such as "Usage.chunks"."""
    comment: str
    descriptor: Any
    parts: tuple["Element", ...]

    def walk(self) -> Iterator["Element"]:
        """Yields this element and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def read_proto(path: Path, root: Path = PROTOS) -> tuple[Element, ...]:
    """Reads the top-level elements of a proto file: services, then messages, then enums.

    What protoc makes is nobody's to comment and is left out: a oneof for each `optional` field, a
    message for each map.
    """
    file = _describe(path, root)
    comments = {
        tuple(location.path): location.leading_comments
        for location in file.source_code_info.location
    }
    return tuple(_parts(file, (), "", comments, _PARTS_OF_FILE))


def _describe(path: Path, root: Path) -> pb.FileDescriptorProto:
    with TemporaryDirectory() as folder:
        described = Path(folder) / "descriptors"
        arguments = [
            "protoc",
            f"-I{root}",
            f"-I{files('grpc_tools') / '_proto'}",
            "--include_source_info",
            f"--descriptor_set_out={described}",
            str(path),
        ]
        if protoc.main(arguments) != 0:
            raise SystemExit("protoc failed: its messages are above")
        return pb.FileDescriptorSet.FromString(described.read_bytes()).file[0]


def _parts(
    owner: Any,
    path: tuple[int, ...],
    prefix: str,
    comments: dict[tuple[int, ...], str],
    kinds: tuple[tuple[str, int], ...],
) -> Iterator[Element]:
    made_by_protoc = {
        field.oneof_index for field in getattr(owner, "field", ()) if field.proto3_optional
    }
    for attribute, number in kinds:
        for index, descriptor in enumerate(getattr(owner, attribute)):
            if attribute == "oneof_decl" and index in made_by_protoc:
                continue
            if attribute == "nested_type" and descriptor.options.map_entry:
                continue
            here = (*path, number, index)
            name = prefix + descriptor.name
            below = _PARTS.get(type(descriptor), ())
            yield Element(
                name=name,
                comment=comments.get(here, "").strip(),
                descriptor=descriptor,
                parts=tuple(_parts(descriptor, here, f"{name}.", comments, below)),
            )
