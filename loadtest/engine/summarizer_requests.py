"""Says in the Summarizer's messages what a scenario says in TOML."""

import grpc
from google.protobuf.json_format import ParseDict, ParseError

from loadtest.exits import Exit, LoadTestError
from loadtest.scenario import MixEntry
from loadtest.scenario_files import suggest
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb

_POLICIES = {
    "auto": pb.LONG_DOCUMENT_POLICY_AUTO,
    "refuse": pb.LONG_DOCUMENT_POLICY_REFUSE,
    "truncate": pb.LONG_DOCUMENT_POLICY_TRUNCATE,
    "select": pb.LONG_DOCUMENT_POLICY_SELECT,
    "cover": pb.LONG_DOCUMENT_POLICY_COVER,
}
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


def make_request(entry: MixEntry, document: str) -> pb.SummarizeRequest:
    """Makes the request for one document."""
    request = pb.SummarizeRequest(
        document=document,
        style=entry.style,
        long_document_policy=_POLICIES[entry.long_documents],
    )
    if entry.options:
        request.options.CopyFrom(make_options(entry))
    return request


def make_options(entry: MixEntry) -> pb.DecodingOptions:
    """Makes the decoding options; LoadTestError names one that there is not."""
    known = list(pb.DecodingOptions.DESCRIPTOR.fields_by_name)
    for name in entry.options:
        if name not in known:
            raise LoadTestError(Exit.USAGE, f"unknown mix option {name}: {suggest(name, known)}")
    try:
        return ParseDict(dict(entry.options), pb.DecodingOptions())
    except ParseError as error:
        raise LoadTestError(Exit.USAGE, f"mix options: {error}") from None


def code_name(code: int) -> str:
    """Gives the name of a google.rpc.Code."""
    return _CODES.get(code, f"CODE_{code}")
