"""Writes docs/api.md, the reference of the API, from the comments in protos/.

tests/protos/test_api_page_is_fresh.py renders it again and compares.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2 as pb

# Run as a script, this file has its own folder on the path in place of the repository's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.proto_sources import PROTOS, ROOT, Element, read_proto

PAGE = ROOT / "docs" / "api.md"
SOURCE = PROTOS / "summarizer" / "v1" / "summarizer.proto"

_HEADER = f"""\
# API

Made from the comments of `{SOURCE.relative_to(ROOT).as_posix()}` by `scripts/render_api.py`; edit
those. The package is `summarizer.v1`. An `optional` field that is not set takes the default of the
model. Refusals are [`google.rpc.Status`](https://google.aip.dev/193): `INVALID_ARGUMENT` carries a
`BadRequest` naming each bad field, `RESOURCE_EXHAUSTED` a `RetryInfo`, and every error an
`ErrorInfo`. A queue that is too long adds a `QuotaFailure` with the subject `queue.documents`,
`queue.tokens` or `queue.seconds`.

A call should have a deadline: what cannot be done within it is refused at once. Where others stand
in the way that is `RESOURCE_EXHAUSTED`, and the trailing metadata `grpc-retry-pushback-ms` says
when to come back, or -1 where the deadline leaves no time for that; where it takes longer even on
an idle server it is `DEADLINE_EXCEEDED` with the reason `DEADLINE_TOO_SHORT`.

A message of more than `--max-message-bytes` (4 MiB unless the server was told otherwise) is
`INVALID_ARGUMENT` too, with the reason `MESSAGE_TOO_LARGE` and the field `(message)`; in a batch
that item alone fails. One of more than twice that size is refused by gRPC before the server sees
it: `RESOURCE_EXHAUSTED` **without** an `ErrorInfo`, and the text "larger than max". Do not send
such a message again, as you would after an overload, which always has its `ErrorInfo`.

With `--api-keys` each call must carry `authorization: Bearer KEY`; one without a key, or with one
that the server does not know, is `UNAUTHENTICATED` with the reason `MISSING_KEY` or `UNKNOWN_KEY`
([security.md](security.md)). Without `--api-keys` the server asks nobody who calls: a call with the
metadata `authorization` is answered like any other, with the trailing metadata `x-precis-warning`,
and the log says it once. Then let a proxy check keys, or let only your own network reach the port.
"""


def render() -> str:
    """Renders the whole page."""
    elements = read_proto(SOURCE)
    own_names = {each.name for each in elements}
    sections = [_HEADER]
    for kind, render_section in (
        (pb.ServiceDescriptorProto, _service),
        (pb.DescriptorProto, _message),
        (pb.EnumDescriptorProto, _enum),
    ):
        sections += [
            render_section(each, own_names)
            for each in elements
            if isinstance(each.descriptor, kind)
        ]
    return "\n".join(sections)


def _service(service: Element, own_names: set[str]) -> str:
    rows = (
        (
            f"`{method.descriptor.name}`",
            _call_side(method.descriptor.input_type, method.descriptor.client_streaming, own_names),
            _call_side(
                method.descriptor.output_type, method.descriptor.server_streaming, own_names
            ),
            method.comment,
        )
        for method in service.parts
    )
    return _section(service, _table(("RPC", "Request", "Reply", "What it does"), rows))


def _message(message: Element, own_names: set[str]) -> str:
    if not message.parts:
        return _section(message, "It has no fields.\n")
    oneofs = [
        part for part in message.parts if isinstance(part.descriptor, pb.OneofDescriptorProto)
    ]
    rows = (
        (
            str(field.descriptor.number),
            f"`{field.descriptor.name}`",
            _field_type(field.descriptor, message.descriptor, own_names),
            field.comment,
        )
        for field in message.parts
        if isinstance(field.descriptor, pb.FieldDescriptorProto)
    )
    notes = "".join(
        f"\nOne of `{each.descriptor.name}`: {_one_line(each.comment)}\n" for each in oneofs
    )
    return _section(message, _table(("No.", "Field", "Type", "Meaning"), rows) + notes)


def _enum(enum: Element, own_names: set[str]) -> str:
    rows = (
        (str(value.descriptor.number), f"`{value.descriptor.name}`", value.comment)
        for value in enum.parts
    )
    return _section(enum, _table(("No.", "Value", "Meaning"), rows))


def _section(element: Element, body: str) -> str:
    return f"## {element.name}\n\n{_one_line(element.comment)}\n\n{body}"


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"{line}\n" for line in _table_lines(headings, rows))


def _table_lines(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(headings)
    yield _row("---" for _ in headings)
    for row in rows:
        yield _row(row)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_one_line(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _call_side(type_name: str, is_stream: bool, own_names: set[str]) -> str:
    return ("stream of " if is_stream else "") + _type_link(type_name, own_names)


def _field_type(field: Any, message: Any, own_names: set[str]) -> str:
    if field.type_name:
        name = _type_link(field.type_name, own_names)
    else:
        name = pb.FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.label == pb.FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    if field.proto3_optional:
        return f"optional {name}"
    if field.HasField("oneof_index"):
        return f"{name}, one of `{message.oneof_decl[field.oneof_index].name}`"
    return name


def _type_link(type_name: str, own_names: set[str]) -> str:
    short = type_name.rpartition(".")[2]
    return f"[{short}](#{short.lower()})" if short in own_names else type_name.lstrip(".")


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
