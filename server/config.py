"""Every setting of the server: a flag, an environment variable and a default each, read once."""

import argparse
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENVIRONMENT_PREFIX = "PRECIS_"
_CLIENT_VARIABLE = "PRECIS_ADDRESS"  # read by the `precis` command, often on the same machine
USAGE_EXIT_CODE = 2
_MIB = 1024 * 1024
_MESSAGE_OVERHEAD_BYTES = 4096


class ConfigError(Exception):
    """A setting is wrong; names the flag, the variable, the value and what was expected."""


def _setting(
    default: object, group: str, choose: str, *, unit: str = "NAME", **limits: Any
) -> Any:  # Any, because the type beside the field's name is what counts
    extra: Any = {"group": group, "unit": unit}
    return Field(default, description=choose, json_schema_extra=extra, **limits)


class ServerConfig(BaseSettings):
    """How this process serves. A flag beats its environment variable, which beats the default."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, frozen=True, extra="forbid"
    )

    bundle: Path = _setting(
        Path("models/default/bundle-cpu-int8"),
        "Model",
        "Directory of the model to serve, as made by the exporter.",
        unit="DIR",
    )
    precision: Literal["any", "int8", "fp32"] = _setting(
        "any",
        "Model",
        "Precision that the model must have; one of another is refused at the start. any takes "
        "what the bundle has.",
    )
    threads: int = _setting(
        0,
        "Model",
        "Threads that compute. 0 takes one for each core that this process may use; fewer leave "
        "room for neighbours.",
        unit="COUNT",
        ge=0,
        le=1024,
    )

    host: str = _setting(
        "127.0.0.1",
        "Network",
        "Address to listen on, for gRPC and for metrics. 127.0.0.1 keeps the server to this "
        "machine; [::] is every address, of IPv4 too: for containers, or together with TLS.",
        unit="HOST",
        min_length=1,
    )
    port: int = _setting(
        50051,
        "Network",
        "Port of the gRPC service. 0 takes a free one, told in the log line that says ready.",
        unit="PORT",
        ge=0,
        le=65535,
    )
    tls_cert: Path | None = _setting(
        None,
        "Network",
        "Certificate chain in PEM. Together with --tls-key it makes the server speak TLS only; "
        "without both, traffic is in clear.",
        unit="FILE",
    )
    tls_key: Path | None = _setting(
        None, "Network", "Private key of the certificate, in PEM.", unit="FILE"
    )
    reflection: bool = _setting(
        True,
        "Network",
        "Whether the service describes itself, so that tools such as grpcurl need no proto file.",
        unit="on|off",
    )

    batching: Literal["continuous", "dynamic", "off"] = _setting(
        "continuous",
        "Batching",
        "continuous lets a request join between any two steps: serve with this. dynamic waits for "
        "the whole batch to finish and off runs one request at a time: for comparison.",
    )
    max_rows: int = _setting(
        16,
        "Batching",
        "Most summaries written at once. More raises throughput under load, but memory and the "
        "time between tokens too.",
        unit="COUNT",
        ge=1,
        le=1024,
    )
    max_encode_tokens: int = _setting(
        1024,
        "Batching",
        "Most padded source tokens that go through the encoder together, a layer at a time between "
        "two decoder steps. Fewer keep running summaries flowing evenly. A longer document is "
        "encoded alone.",
        unit="TOKENS",
        ge=1,
        le=1_048_576,
    )

    speculation: bool = _setting(
        True,
        "Decoding",
        "Whether greedy decoding guesses ahead what is copied from the document and checks several "
        "tokens at once. It changes the speed, never a summary; off is for comparison.",
        unit="on|off",
    )
    single_flight: bool = _setting(
        True,
        "Decoding",
        "Whether identical requests at the same time share one computation. off is for measuring "
        "with a handful of documents, which would else meet themselves.",
        unit="on|off",
    )
    result_cache_mb: int = _setting(
        0,
        "Decoding",
        "Memory for results that identical requests get again, in MiB; 0 keeps none. Worth it "
        "where the same documents come again: a MiB holds several hundred summaries.",
        unit="MIB",
        ge=0,
        le=1_048_576,
    )

    max_queue_documents: int = _setting(
        256,
        "Limits",
        "Most documents inside, waiting or running; further ones are refused with "
        "RESOURCE_EXHAUSTED. Choose what can be worked off within the patience of the callers.",
        unit="COUNT",
        ge=1,
        le=1_000_000,
    )
    max_queue_tokens: int = _setting(
        131_072,
        "Limits",
        "Most source tokens inside: long documents fill the server sooner than short ones.",
        unit="TOKENS",
        ge=1024,
        le=1_000_000_000,
    )
    max_document_bytes: int = _setting(
        _MIB,
        "Limits",
        "Largest document in bytes of UTF-8; a larger one is refused before it is tokenised.",
        unit="BYTES",
        ge=1,
        le=1024 * _MIB,
    )
    max_message_bytes: int = _setting(
        4 * _MIB,
        "Limits",
        "Largest gRPC message taken in. Keep it well above --max-document-bytes, whose refusal is "
        "the clearer one.",
        unit="BYTES",
        ge=1024,
        le=2047 * _MIB,
    )
    max_batch_in_flight: int = _setting(
        32,
        "Limits",
        "Most items of one SummarizeBatch call worked on at once; further ones wait unread. Twice "
        "--max-rows keeps the rows busy.",
        unit="COUNT",
        ge=1,
        le=65_536,
    )
    default_deadline_s: float = _setting(
        0.0,
        "Limits",
        "Deadline of a request that brings none. 0 is none: its caller waits for ever if need be.",
        unit="SECONDS",
        ge=0,
        le=86_400,
        allow_inf_nan=False,
    )
    max_deadline_s: float = _setting(
        0.0,
        "Limits",
        "Longest deadline granted; longer ones are shortened to it. 0 is no limit.",
        unit="SECONDS",
        ge=0,
        le=86_400,
        allow_inf_nan=False,
    )
    drain_grace_s: float = _setting(
        30.0,
        "Limits",
        "How long running requests may go on after SIGTERM. Choose more than the slowest summary "
        "takes and less than the patience of whoever stops the server.",
        unit="SECONDS",
        ge=0,
        le=3600,
        allow_inf_nan=False,
    )

    metrics: bool = _setting(
        True,
        "Telemetry",
        "Whether Prometheus metrics are served, in plain HTTP at /metrics.",
        unit="on|off",
    )
    metrics_port: int = _setting(
        9090,
        "Telemetry",
        "Port of the metrics. 0 takes a free one, told in the log line that says ready.",
        unit="PORT",
        ge=0,
        le=65535,
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info",
        "Telemetry",
        "Least weight of what is logged. info is a line for each call; warning is silent while all "
        "is well.",
    )
    log_format: Literal["json", "text"] = _setting(
        "json",
        "Telemetry",
        "json for machines, text for eyes. Neither ever holds a document's text.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "ServerConfig":
        if (self.tls_cert is None) != (self.tls_key is None):
            given, missing = (
                ("tls_cert", "tls_key") if self.tls_key is None else ("tls_key", "tls_cert")
            )
            raise ValueError(
                f"{_spelled(missing)}: not given, but needed together with {_flag(given)}"
            )
        least = self.max_document_bytes + _MESSAGE_OVERHEAD_BYTES
        if self.max_message_bytes < least:
            raise ValueError(
                f"{_spelled('max_message_bytes')}: {self.max_message_bytes} given, "
                f"at least {least} expected for documents of {self.max_document_bytes} bytes"
            )
        if self.port and self.metrics and self.port == self.metrics_port:
            raise ValueError(
                f"{_spelled('metrics_port')}: {self.metrics_port} given, "
                f"another than that of {_flag('port')} expected"
            )
        return self


def load_config(arguments: Sequence[str]) -> ServerConfig:
    """Reads flags and environment. Raises ConfigError; only --help prints and exits by itself."""
    flags = vars(_parser().parse_args(arguments))
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return ServerConfig(**given)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names that look like settings of ours and are none, each with the likeliest meant.

    They are not refused: Kubernetes makes some for a service named precis.
    """
    known = {_variable(name) for name in ServerConfig.model_fields} | {_CLIENT_VARIABLE}
    unknown = sorted(
        name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in known
    )
    return [name + _likeliest_meant(name.removeprefix(ENVIRONMENT_PREFIX)) for name in unknown]


def _likeliest_meant(name: str) -> str:
    meant = get_close_matches(name.lower(), ServerConfig.model_fields, n=1)
    return f" ({_variable(meant[0])}?)" if meant else ""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; --help lists every setting")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m server",
        usage="%(prog)s [--SETTING VALUE ...]",
        description="Serves a summariser over gRPC. A flag beats its environment variable.",
        allow_abbrev=False,
        add_help=False,
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, info in ServerConfig.model_fields.items():
        extra: Any = info.json_schema_extra
        group, unit = extra["group"], extra["unit"]
        if group not in groups:
            groups[group] = parser.add_argument_group(group)
        groups[group].add_argument(_flag(name), dest=name, metavar=unit, help=_help(name))
    parser.add_argument("-h", "--help", action="help", help="Shows this and ends.")
    return parser


def _help(name: str) -> str:
    info = ServerConfig.model_fields[name]
    facts = [_variable(name), f"default {_shown(info.default)}"]
    if expected := _expected(name):
        facts.append(expected)
    return f"{info.description} [{'; '.join(facts)}]".replace("%", "%%")


def _explain(error: ValidationError) -> str:
    """One line for all that is wrong."""
    problems = []
    for detail in error.errors():
        if not detail["loc"]:
            problems.append(str(detail["ctx"]["error"]))
            continue
        name, given = str(detail["loc"][0]), detail["input"]
        expected = _expected(name) or detail["msg"]
        problems.append(f"{_spelled(name)}: {given!r} given, {expected} expected{_hint(given)}")
    return "; ".join(problems)


def _hint(given: object) -> str:
    if isinstance(given, str) and given.startswith("tcp://"):
        return (
            " (Kubernetes sets such variables for a service named precis: rename the service, "
            "or set enableServiceLinks: false on the pod)"
        )
    return ""


def _expected(name: str) -> str:
    info = ServerConfig.model_fields[name]
    if get_origin(info.annotation) is Literal:
        *others, last = get_args(info.annotation)
        return f"{', '.join(others)} or {last}"
    if info.annotation is bool:
        return "on or off"
    if info.annotation is str:
        return "at least one character"
    bounds = {bound: getattr(rule, bound) for rule in info.metadata for bound in _bounds_of(rule)}
    if len(bounds) < 2:
        return ""
    kind = "a whole number" if info.annotation is int else "a number"
    return f"{kind} from {bounds['ge']} to {bounds['le']}"


def _bounds_of(rule: object) -> list[str]:
    return [bound for bound in ("ge", "le") if hasattr(rule, bound)]


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, float):
        return f"{default:g}"
    return "none" if default is None else str(default)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()


def _spelled(name: str) -> str:
    return f"{_flag(name)} ({_variable(name)})"
