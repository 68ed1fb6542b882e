"""One table of decoding options, which everything that names options agrees with."""

from dataclasses import fields
from typing import Any

import pytest

from bundle.decoding import OPTIONS, wrong_defaults
from bundle.manifest import DecodingDefaults
from precis_client.options import DecodingOptions as ClientOptions
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.types import DecodingOptions, RequestedOptions

TEXTS_AS_IDS = {"prefix": "prefix_ids", "banned_phrases": "banned_runs"}


def names(kind: type[Any]) -> set[str]:
    return {field.name for field in fields(kind)}


@pytest.mark.parametrize(
    "found",
    [
        names(RequestedOptions),
        names(ClientOptions),
        set(pb.DecodingOptions.DESCRIPTOR.fields_by_name),
    ],
    ids=["server", "client", "proto"],
)
def test_the_server_the_client_and_the_proto_have_the_options_of_the_table(found: set[str]) -> None:
    assert found == set(OPTIONS)


def test_decoding_has_the_options_of_the_table_with_texts_as_token_ids() -> None:
    assert names(DecodingOptions) == {TEXTS_AS_IDS.get(name, name) for name in OPTIONS}


def test_a_bundle_may_set_every_option_that_is_not_of_one_request_alone() -> None:
    assert names(DecodingDefaults) == {name for name, each in OPTIONS.items() if each.in_bundle}
    assert not OPTIONS["seed"].in_bundle


def test_what_changes_nothing_is_what_decoding_does_without_being_asked() -> None:
    decoding = DecodingOptions(max_tokens=1)
    for name, option in OPTIONS.items():
        if option.neutral is not None:
            assert getattr(decoding, name) == option.neutral
            assert option.range is None or option.range.holds(option.neutral)


@pytest.mark.parametrize(
    ("defaults", "problem"),
    [
        ({"num_beams": 17}, "num_beams is 17, must be from 1 to 16"),
        ({"top_p": 0.0}, "top_p is 0, must be above 0 and up to 1"),
        ({"length_penalty": -11.0}, "length_penalty is -11, must be from -10 to 10"),
        ({"min_tokens": 9}, "min_tokens is 9, above max_tokens = 8"),
        ({"num_beams": 2, "temperature": 0.5}, "num_beams is above 1 and temperature above 0"),
    ],
)
def test_defaults_that_no_server_could_serve_are_named(
    defaults: dict[str, Any], problem: str
) -> None:
    (found,) = wrong_defaults({"max_tokens": 8} | defaults)
    assert found.startswith(problem)


def test_defaults_that_can_be_served_have_no_problems() -> None:
    beams = {"max_tokens": 142, "min_tokens": 56, "num_beams": 4, "length_penalty": 2.0}
    assert wrong_defaults(beams) == []
