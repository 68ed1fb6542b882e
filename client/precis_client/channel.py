"""How a client connects: target, TLS, token, keepalive and retries."""

import json
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio

DEFAULT_ADDRESS = "localhost:50051"

# SummarizeBatch is left out: under a retry policy, grpcio's synchronous call waits for ever, past
# its own deadline, once the connection of a stream that both sides write breaks.
_RETRIED_METHODS = ("Summarize", "SummarizeStream", "ListModels", "GetModel")

SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [
                {"service": "summarizer.v1.Summarizer", "method": method}
                for method in _RETRIED_METHODS
            ],
            # A summary has no side effects, so these calls may be sent again. gRPC waits as long as
            # the server says in `grpc-retry-pushback-ms`, else by this backoff, and never past the
            # call's own deadline.
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                # CANCELLED is what a gRPC server answers to a call that reaches it while it stops
                # (grpc/grpc#41785). A call that its caller cancels is never sent again.
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
            },
        }
    ],
    # Each failed attempt costs one token, each success gives back a tenth; with half or less left
    # there are no retries, so that clients do not bury a server that is down. The tokens are those
    # of all calls to a server together: with few, one burst would take the retries from everybody.
    # 1000 is the most that gRPC allows.
    "retryThrottling": {"maxTokens": 1000, "tokenRatio": 0.1},
}
"""What gRPC does on failures. Health checks are left out: a probe must tell the truth at once."""

_KEEPALIVE_INTERVAL_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000
_RETRY_BUFFER_BYTES = 4 * 1024 * 1024
"""gRPC retries only what it still holds. Its default of 256 KiB would leave out large documents;
this is the size of the largest message that a gRPC server takes by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the server is and how to talk to it."""

    address: str = DEFAULT_ADDRESS
    """Any gRPC target, such as "host:50051", "dns:///host:50051" or "unix:/run/precis.sock"."""
    tls: bool = False
    """Whether to encrypt. Implied by `root_certificates`."""
    root_certificates: bytes | None = field(default=None, repr=False)
    """Certificates to trust, in PEM; else those that come with gRPC."""
    token: str | None = field(default=None, repr=False)
    """Sent as `authorization: Bearer ...`, in clear unless the connection is encrypted.

    A key of a server with --api-keys, or what a proxy in front of it checks. A server without keys
    does not check it, and says so by a ServerWarning."""
    retry: bool = True
    """Whether gRPC sends again, up to three times, what failed as unavailable or overloaded.

    Batches and health checks are never sent again. After some 500 failed attempts on a server gRPC
    stops retrying on it, until successes, ten for each failure, have made up for them.
    """

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def open(self) -> grpc.Channel:
        """Makes a channel for threads. It connects on the first call."""
        credentials = self._credentials()
        if credentials is None:
            return grpc.insecure_channel(self.address, self.options())
        return grpc.secure_channel(self.address, credentials, self.options())

    def open_aio(self) -> grpc.aio.Channel:
        """Makes a channel for the running event loop. It connects on the first call."""
        credentials = self._credentials()
        if credentials is None:
            return grpc.aio.insecure_channel(self.address, self.options())
        return grpc.aio.secure_channel(self.address, credentials, self.options())

    def _credentials(self) -> grpc.ChannelCredentials | None:
        if not self.tls and self.root_certificates is None:
            return None
        return grpc.ssl_channel_credentials(self.root_certificates)

    def options(self) -> tuple[tuple[str, Any], ...]:
        """Lists the channel arguments, for those who make a channel of their own."""
        return (
            # Finds out that a connection died under a waiting call. gRPC sends at most two pings
            # without data, which is as many as a server with default settings allows.
            ("grpc.keepalive_time_ms", _KEEPALIVE_INTERVAL_MS),
            ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
            ("grpc.enable_retries", int(self.retry)),
            ("grpc.per_rpc_retry_buffer_size", _RETRY_BUFFER_BYTES),
            ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        )
