"""The protos are the documentation of the API, so nothing in them may go unsaid."""

from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import EnumDescriptorProto

from scripts.proto_sources import PROTOS, Element, read_proto

ALL_PROTOS = sorted(PROTOS.rglob("*.proto"))


def uncommented(elements: tuple[Element, ...]) -> list[str]:
    """Names the elements that no comment leads."""
    return [each.name for top in elements for each in top.walk() if not each.comment]


def enums_with_a_meaningful_zero(elements: tuple[Element, ...]) -> list[str]:
    """Names the enums whose zero, which is what an absent field reads as, says something."""
    return [
        each.name
        for top in elements
        for each in top.walk()
        if isinstance(each.descriptor, EnumDescriptorProto)
        and not each.descriptor.value[0].name.endswith("_UNSPECIFIED")
    ]


@pytest.mark.parametrize("path", ALL_PROTOS, ids=lambda path: path.stem)
def test_every_service_method_message_field_oneof_enum_and_value_is_commented(path: Path) -> None:
    assert uncommented(read_proto(path)) == []


@pytest.mark.parametrize("path", ALL_PROTOS, ids=lambda path: path.stem)
def test_the_zero_of_every_enum_says_that_nothing_was_said(path: Path) -> None:
    assert enums_with_a_meaningful_zero(read_proto(path)) == []


BARE = """
syntax = "proto3";
package bare;
service Sender {
  rpc Send(Letter) returns (Letter);
}
message Letter {
  string text = 1;  // A trailing comment does not count.
  optional int32 weight = 2;
  oneof way {
    string air = 3;
  }
  enum Colour {
    RED = 0;
  }
  message Stamp {}
}
// This one is commented.
enum Size {
  // Not said.
  SIZE_UNSPECIFIED = 0;
  SIZE_SMALL = 1;
}
"""


def test_each_kind_of_element_is_missed_when_its_comment_is(tmp_path: Path) -> None:
    path = tmp_path / "bare.proto"
    path.write_text(BARE)

    elements = read_proto(path, root=tmp_path)

    assert uncommented(elements) == [
        "Sender",
        "Sender.Send",
        "Letter",
        "Letter.text",
        "Letter.weight",
        "Letter.air",
        "Letter.way",
        "Letter.Stamp",
        "Letter.Colour",
        "Letter.Colour.RED",
        "Size.SIZE_SMALL",
    ]
    assert enums_with_a_meaningful_zero(elements) == ["Letter.Colour"]
