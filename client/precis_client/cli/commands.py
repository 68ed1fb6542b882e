"""What each command does once its arguments are parsed."""

import platform
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version

from precis_client._convert import RequestFields
from precis_client._version import __version__
from precis_client.cli import output
from precis_client.cli.exits import ExitCode, describe, exit_code_of
from precis_client.cli.inputs import UnusableInput, read_document, read_file
from precis_client.cli.parser import timeout_s_of
from precis_client.options import DecodingOptions
from precis_client.sync import Client
from precis_client.types import AttributionLevel, BatchResult, LongDocumentPolicy, ServingStatus


def summarize(arguments: Namespace) -> int:
    """Runs `precis summarize`."""
    if len(arguments.files) > 1 and (arguments.stream or arguments.request_id):
        option = "--stream" if arguments.stream else "--request-id"
        raise UnusableInput(f"{option} takes one file, {len(arguments.files)} were named")
    # All are read before anything is sent, so that a wrong name costs nothing.
    documents = [read_document(name) for name in arguments.files]
    with _client(arguments) as client:
        if len(documents) > 1:
            return _summarize_many(client, documents, arguments)
        if arguments.stream:
            _summarize_streaming(client, documents[0], arguments)
        else:
            _summarize_one(client, documents[0], arguments)
    return ExitCode.DONE


def _summarize_one(client: Client, document: str, arguments: Namespace) -> None:
    summary = client.summarize(
        document, request_id=arguments.request_id or "", **_request_fields(arguments)
    )
    if arguments.json:
        output.print_json(output.as_json(summary), indent=2)
    else:
        output.print_text(summary)


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


def _summarize_many(client: Client, documents: list[str], arguments: Namespace) -> int:
    timeout_s = timeout_s_of(arguments.timeout, arguments.command) * len(documents)
    exit_codes = set()
    for result in client.batch(documents, timeout_s=timeout_s, **_request_fields(arguments)):
        name = arguments.files[int(result.item_id)]
        if result.error is not None:
            exit_codes.add(exit_code_of(result.error))
        _print_result(name, result, arguments)
    if not exit_codes:
        return ExitCode.DONE
    return exit_codes.pop() if len(exit_codes) == 1 else ExitCode.FAILED


def _print_result(name: str, result: BatchResult, arguments: Namespace) -> None:
    if result.error is not None:
        sys.stderr.write(f"precis: {name}: {describe(result.error, arguments)}\n")
        if arguments.json:
            output.print_json({"file": name, "error": output.error_as_json(result.error)})
    elif arguments.json:
        output.print_json({"file": name, **output.as_json(result.unwrap())})
    else:
        output.print_line(f"==> {name} <==")
        output.print_text(result.unwrap())


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
    output.print_line(status.name)
    return ExitCode.DONE if status is ServingStatus.SERVING else ExitCode.FAILED


def print_version(_: Namespace) -> int:
    """Runs `precis version`."""
    parts = ", ".join(f"{name} {version(name)}" for name in ("grpcio", "protobuf"))
    output.print_line(f"precis {__version__} ({parts}, Python {platform.python_version()})")
    return ExitCode.DONE


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "summarize": summarize,
    "models": models,
    "health": health,
    "version": print_version,
}


def _client(arguments: Namespace) -> Client:
    return Client(
        arguments.address,
        tls=arguments.tls,
        root_certificates=read_file(arguments.tls_ca) if arguments.tls_ca else None,
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
    if arguments.attribution:
        fields_set["attribution"] = AttributionLevel(arguments.attribution)
    return fields_set


def _decoding_options(arguments: Namespace) -> DecodingOptions:
    return DecodingOptions(
        **{field.name: getattr(arguments, field.name) for field in fields(DecodingOptions)}
    )
