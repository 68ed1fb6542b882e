"""The settings, their defaults and limits, and what each is for."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.config.spelling import ENVIRONMENT_PREFIX, flag, spelled
from server.engine.admission import Batching
from server.types import RequestedProvider

_MIB = 1024 * 1024
_MESSAGE_OVERHEAD_BYTES = 4096
_FEWEST_QUEUE_TOKENS = 1024

# What 0 stands for: so many for each row, and no fewer than these.
_DOCUMENTS_PER_ROW, _FEWEST_DOCUMENTS = 16, 256
_TOKENS_PER_ROW, _FEWEST_TOKENS = 8192, 131_072
_BATCH_ITEMS_PER_ROW, _FEWEST_BATCH_ITEMS = 2, 32


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
    precision: Literal["any", "int8", "fp32", "fp16", "bf16"] = _setting(
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

    provider: RequestedProvider = _setting(
        "auto",
        "Provider",
        "Where the model runs. auto takes a GPU if there is one and the bundle is made for it; "
        "cuda asks for it, and says why where it is not to be had.",
    )
    strict: bool = _setting(
        False,
        "Provider",
        "Whether to refuse to start rather than fall back to the CPU. Turn it on where a slow "
        "server is worse than none, since another replica would take its place.",
        unit="on|off",
    )
    device: int = _setting(
        0,
        "Provider",
        "Which GPU, counted from 0 among those that CUDA_VISIBLE_DEVICES lets through.",
        unit="NUMBER",
        ge=0,
        le=1023,
    )
    device_memory_fraction: float = _setting(
        0.9,
        "Provider",
        "Share of the GPU's memory that model and summaries in work may take. Less leaves room for "
        "neighbours on the same GPU.",
        unit="SHARE",
        ge=0.01,
        le=1,
        allow_inf_nan=False,
    )
    capture: str = _setting(
        "auto",
        "Provider",
        "Shapes whose steps are captured as CUDA graphs before the server is ready, such as "
        "rows=1,8,64;tokens=1,6. auto takes the likeliest. Others are captured when they first "
        "occur, which holds up whoever is being served then. off captures none at any time, and "
        "steps are launched piece by piece: slower, for comparison.",
        unit="SHAPES",
        min_length=1,
    )

    host: str = _setting(
        "127.0.0.1",
        "Network",
        "Address to listen on, for gRPC and for metrics. 127.0.0.1 keeps the server to this "
        "machine; [::] is every address, of IPv4 too: for containers, or together with TLS. "
        "Whoever reaches it may use it, unless --api-keys is set: the server checks no client "
        "certificate, and nothing at all of those who read the metrics.",
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
    api_keys: Path | None = _setting(
        None,
        "Network",
        "File of the keys that calls must bring as `authorization: Bearer KEY`; others are refused "
        "with UNAUTHENTICATED, but for health and reflection. Each line has a label and the "
        "SHA-256 of a key; `python -m server.keys add` makes one. The file is read again when it "
        "changes. Use it with TLS, or keys travel in clear.",
        unit="FILE",
    )
    kserve: bool = _setting(
        True,
        "Network",
        "Whether inference.GRPCInferenceService is served too, the Open Inference Protocol (KServe "
        "v2), for clients of Triton and KServe.",
        unit="on|off",
    )
    reflection: bool = _setting(
        True,
        "Network",
        "Whether the service describes itself, so that tools such as grpcurl need no proto file.",
        unit="on|off",
    )

    batching: Batching = _setting(
        Batching.CONTINUOUS,
        "Batching",
        "continuous lets requests join between any two steps, once as many wait as run or one has "
        "waited for long: serve with this. dynamic waits for the whole batch to finish and off "
        "runs one request at a time: for comparison.",
    )
    max_rows: int = _setting(
        0,
        "Batching",
        "Most summaries written at once. More raises throughput under load, but memory and the "
        "time between tokens too. 0 takes 16 on a CPU, and on a GPU as many as its memory holds, "
        "at most 256.",
        unit="COUNT",
        ge=0,
        le=1024,
    )
    max_encode_tokens: int = _setting(
        0,
        "Batching",
        "Most padded source tokens that go through the encoder together, a layer at a time between "
        "two decoder steps. Fewer keep running summaries flowing evenly. A longer document is "
        "encoded alone. 0 takes 1024 on a CPU, and 16384 on a GPU, which encodes beside decoding.",
        unit="TOKENS",
        ge=0,
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
        0,
        "Limits",
        "Most documents inside, waiting or running; further ones are refused with "
        "RESOURCE_EXHAUSTED. Choose what can be worked off within the patience of the callers; 0 "
        "takes 256, and on a GPU 16 for each row if that is more.",
        unit="COUNT",
        ge=0,
        le=1_000_000,
    )
    max_queue_tokens: int = _setting(
        0,
        "Limits",
        "Most source tokens inside: long documents fill the server sooner than short ones. 0 takes "
        "131072, and on a GPU 8192 for each row if that is more.",
        unit="TOKENS",
        ge=0,
        le=1_000_000_000,
    )
    deadline_admission: bool = _setting(
        True,
        "Limits",
        "Whether a document that cannot be done within its deadline, by what the server measures "
        "of itself, is refused on arrival, and leaves the queue once it no longer can. off is for "
        "comparison: then --max-queue-s does not count either.",
        unit="on|off",
    )
    max_queue_s: float = _setting(
        120.0,
        "Limits",
        "Longest estimated wait for others; a document that would wait longer is refused with "
        "RESOURCE_EXHAUSTED. It is for callers without a deadline: one that cannot make its "
        "deadline is refused anyhow. A batch call is never refused for its own documents alone. "
        "0 is no limit.",
        unit="SECONDS",
        ge=0,
        le=86_400,
        allow_inf_nan=False,
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
        "Largest gRPC message taken; a larger one is refused with INVALID_ARGUMENT. One of more "
        "than twice this is refused by gRPC itself, with RESOURCE_EXHAUSTED and no line in the "
        "log; up to there each arriving call may take memory. Keep it well above "
        "--max-document-bytes, whose refusal is the clearer one.",
        unit="BYTES",
        ge=1024,
        le=2047 * _MIB,
    )
    max_batch_in_flight: int = _setting(
        0,
        "Limits",
        "Most items of one SummarizeBatch call worked on at once; further ones wait unread. 0 "
        "takes 32, and on a GPU two for each row if that is more, which keeps the rows busy.",
        unit="COUNT",
        ge=0,
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
                f"{spelled(missing)}: not given, but needed together with {flag(given)}"
            )
        least = self.max_document_bytes + _MESSAGE_OVERHEAD_BYTES
        if self.max_message_bytes < least:
            raise ValueError(
                f"{spelled('max_message_bytes')}: {self.max_message_bytes} given, "
                f"at least {least} expected for documents of {self.max_document_bytes} bytes"
            )
        if 0 < self.max_queue_tokens < _FEWEST_QUEUE_TOKENS:
            raise ValueError(
                f"{spelled('max_queue_tokens')}: {self.max_queue_tokens} given, "
                f"0 or at least {_FEWEST_QUEUE_TOKENS} expected"
            )
        if self.port and self.metrics and self.port == self.metrics_port:
            raise ValueError(
                f"{spelled('metrics_port')}: {self.metrics_port} given, "
                f"another than that of {flag('port')} expected"
            )
        return self

    def settled(self, *, rows: int, encode_tokens: int) -> "ServerConfig":
        """Takes what was chosen where the model runs, and chooses the rest of what 0 left open."""
        documents = max(_FEWEST_DOCUMENTS, _DOCUMENTS_PER_ROW * rows)
        tokens = max(_FEWEST_TOKENS, _TOKENS_PER_ROW * rows)
        batch_items = max(_FEWEST_BATCH_ITEMS, _BATCH_ITEMS_PER_ROW * rows)
        chosen = {
            "max_rows": rows,
            "max_encode_tokens": encode_tokens,
            "max_queue_documents": self.max_queue_documents or documents,
            "max_queue_tokens": self.max_queue_tokens or tokens,
            "max_batch_in_flight": self.max_batch_in_flight or batch_items,
        }
        return self.model_copy(update=chosen)
