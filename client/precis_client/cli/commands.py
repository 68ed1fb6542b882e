"""What each command does once its arguments are parsed."""

import secrets
from argparse import Namespace
from collections.abc import Callable
from dataclasses import fields
from typing import NamedTuple

from precis_client._convert import RequestFields
from precis_client.cli import output, sources
from precis_client.cli.exits import ExitCode, describe, exit_code_of
from precis_client.cli.inputs import UnusableInput, read_document
from precis_client.cli.parser import timeout_s_of
from precis_client.cli.server_options import checked_address, read_certificates, read_token
from precis_client.cli.version import version_line
from precis_client.errors import InvalidRequest
from precis_client.options import DecodingOptions
from precis_client.sync import Client
from precis_client.types import (
    AttributionLevel,
    BatchResult,
    Length,
    LongDocumentPolicy,
    OffsetUnit,
    ReadingWay,
    SentenceOrder,
    ServingStatus,
    Summary,
)


def summarize(arguments: Namespace) -> int:
    """Runs `precis summarize`."""
    if len(arguments.files) > 1 and (arguments.stream or arguments.request_id):
        option = "--stream" if arguments.stream else "--request-id"
        raise UnusableInput(f"{option} takes one file, {len(arguments.files)} were named")
    if arguments.sources and arguments.offset_unit:
        raise UnusableInput("--offset-unit is for --attribution; --sources counts characters")
    if len(arguments.files) > 1:
        return _summarize_many(arguments)
    document = _read(arguments.files[0], arguments)
    with _client(arguments) as client:
        if arguments.stream:
            _summarize_streaming(client, document, arguments)
        else:
            _summarize_one(client, document, arguments)
    return ExitCode.DONE


def _read(name: str, arguments: Namespace) -> str:
    """Reads a document's text, and says on stderr what of it is not in the text."""
    document = read_document(name, arguments.encoding)
    for note in document.notes:
        output.complain(f"{'standard input' if name == '-' else name}: note: {note}")
    return document.text


def _summarize_one(client: Client, document: str, arguments: Namespace) -> None:
    summary = client.summarize(
        document, request_id=arguments.request_id or "", **_request_fields(arguments)
    )
    if arguments.json:
        output.print_json(output.as_json(summary), indent=2)
    else:
        output.print_text(summary)
        _print_sources(summary, document, arguments)
        _remark(summary, arguments)


def _print_sources(summary: Summary, document: str, arguments: Namespace) -> None:
    if arguments.sources:
        output.print_line(f"\n{sources.as_text(summary, document)}")


def _remark(summary: Summary, arguments: Namespace) -> None:
    """Tells on stderr what the text alone does not: how to get it again, and what was not done."""
    if summary.seed is not None and arguments.seed is None:
        output.complain(f"sampled; --seed {summary.seed} gives the same again")
    if arguments.speculation and summary.decoding.speculation_off:
        output.complain(f"speculation was off: {summary.decoding.speculation_off}")
    _warn(summary)


_READINGS = {
    ReadingWay.TRUNCATED: "too long for the model, which read its beginning",
    ReadingWay.SELECTED: "too long for the model, which read its key sentences",
    ReadingWay.COVERED: "too long for the model, which read it in {chunks} chunks",
    ReadingWay.EXTRACTED: "too long for the model: its key sentences are quoted",
}


def _warn(summary: Summary, file: str = "") -> None:
    usage, reading = summary.usage, _READINGS.get(summary.reading.way)
    is_asked_for = summary.reading.way is ReadingWay.EXTRACTED and summary.usage.source_tokens > 0
    if reading and not is_asked_for:
        dropped = usage.source_tokens_dropped
        read = f": {usage.source_tokens} tokens read, {dropped} left out" if dropped else ""
        complaint = f"the document was {reading.format(chunks=usage.chunks)}{read}"
        output.complain(f"{file}{': ' if file else ''}note: {complaint}")
    for warning in summary.warnings:
        output.complain(f"{file}{': ' if file else ''}note: {warning.message}")


def _summarize_streaming(client: Client, document: str, arguments: Namespace) -> None:
    stream = client.stream(
        document, request_id=arguments.request_id or "", **_request_fields(arguments)
    )
    if arguments.json:
        for delta in stream.deltas():
            output.print_json({"delta": output.as_json(delta)})
        output.print_json({"final": output.as_json(stream.final)})
        return
    is_line_open = False
    try:
        for text in stream:
            is_line_open = True
            output.print_piece(text)
    finally:
        if is_line_open:
            output.print_piece("\n")
    output.print_others(stream.final)
    _print_sources(stream.final, document, arguments)
    _remark(stream.final, arguments)


class _File(NamedTuple):
    """One of several, and what stands in it."""

    name: str
    document: str


def _summarize_many(arguments: Namespace) -> int:
    run_id = secrets.token_hex(4)  # tells this run's items from those of others in the server's log
    files: dict[str, _File] = {}
    exit_codes: set[ExitCode] = set()
    for position, name in enumerate(arguments.files):
        try:
            document = _read(name, arguments)
        except UnusableInput as unusable:
            exit_codes.add(ExitCode.REFUSED)
            _print_unusable(name, unusable, arguments)
            continue
        files[f"{run_id}-{position}"] = _File(name, document)
    if files:
        with _client(arguments) as client:
            exit_codes |= _summarize_batch(client, files, arguments)
    if not exit_codes:
        return ExitCode.DONE
    return exit_codes.pop() if len(exit_codes) == 1 else ExitCode.FAILED


def _summarize_batch(
    client: Client, files: dict[str, _File], arguments: Namespace
) -> set[ExitCode]:
    """Prints the results as they come and returns the exit codes of those that failed."""
    exit_codes = set()
    timeout_s = timeout_s_of(arguments.timeout, arguments.command) * len(files)
    documents = [(item_id, file.document) for item_id, file in files.items()]
    for result in client.batch(documents, timeout_s=timeout_s, **_request_fields(arguments)):
        if result.error is not None:
            exit_codes.add(exit_code_of(result.error))
        _print_result(files[result.item_id], result, arguments)
    return exit_codes


def _print_unusable(name: str, unusable: UnusableInput, arguments: Namespace) -> None:
    output.complain(str(unusable))
    if arguments.json:
        error = InvalidRequest(str(unusable), code="INVALID_ARGUMENT")
        output.print_json({"file": name, "error": output.error_as_json(error)})


def _print_result(file: _File, result: BatchResult, arguments: Namespace) -> None:
    name = file.name
    if result.error is not None:
        output.complain(f"{name}: {describe(result.error, arguments)}")
        if arguments.json:
            output.print_json({"file": name, "error": output.error_as_json(result.error)})
    elif arguments.json:
        output.print_json({"file": name, **output.as_json(result.unwrap())})
    else:
        summary = result.unwrap()
        output.print_line(f"==> {name} <==")
        output.print_text(summary)
        _print_sources(summary, file.document, arguments)
        _warn(summary, name)


def models(arguments: Namespace) -> int:
    """Runs `precis models`."""
    with _client(arguments) as client:
        listed = client.list_models()
    if arguments.json:
        output.print_json([output.as_json(each) for each in listed], indent=2)
    else:
        output.print_line("\n\n".join(output.model_as_text(each) for each in listed))
    return ExitCode.DONE


def health(arguments: Namespace) -> int:
    """Runs `precis health`."""
    with _client(arguments) as client:
        status = client.health(arguments.service)
    if arguments.json:
        output.print_json({"service": arguments.service, "status": status.name})
    else:
        output.print_line(status.name)
    return ExitCode.DONE if status is ServingStatus.SERVING else ExitCode.FAILED


def print_version(_: Namespace) -> int:
    """Runs `precis version`."""
    output.print_line(version_line())
    return ExitCode.DONE


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "summarize": summarize,
    "models": models,
    "health": health,
    "version": print_version,
}


def _client(arguments: Namespace) -> Client:
    return Client(
        checked_address(arguments.address),
        tls=arguments.tls,
        root_certificates=read_certificates(arguments.tls_ca) if arguments.tls_ca else None,
        token=read_token(arguments.token_file),
        timeout_s=timeout_s_of(arguments.timeout, arguments.command),
    )


def _request_fields(arguments: Namespace) -> RequestFields:
    fields_set = RequestFields(options=_decoding_options(arguments))
    if arguments.style:
        fields_set["style"] = arguments.style
    if arguments.language:
        fields_set["language"] = arguments.language
    if arguments.model:
        fields_set["model"] = arguments.model
    if arguments.model_version:
        fields_set["model_version"] = arguments.model_version
    if arguments.long_document:
        fields_set["long_document_policy"] = LongDocumentPolicy(arguments.long_document)
    if arguments.sources:
        fields_set["attribution"] = AttributionLevel.SENTENCE
    if arguments.attribution:
        fields_set["attribution"] = AttributionLevel(arguments.attribution)
    if arguments.words is not None or arguments.sentences is not None:
        fields_set["length"] = Length(arguments.words or 0, arguments.sentences or 0)
    if arguments.order:
        fields_set["sentence_order"] = SentenceOrder(arguments.order)
    if arguments.bullets:
        fields_set["bullets"] = True
    if arguments.offset_unit:
        fields_set["offset_unit"] = OffsetUnit(arguments.offset_unit)
    return fields_set


def _decoding_options(arguments: Namespace) -> DecodingOptions:
    given = {field.name: getattr(arguments, field.name) for field in fields(DecodingOptions)}
    if given["banned_phrases"] is not None:
        given["banned_phrases"] = tuple(given["banned_phrases"])
    return DecodingOptions(**given)
