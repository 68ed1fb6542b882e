"""The listening gRPC server: address, limits, TLS, and the services it offers."""

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from server.keys.known_keys import KnownKeys
from server.rpc.call import Deadlines
from server.rpc.chain import ConcernChain
from server.rpc.health import Health
from server.rpc.interceptors import concerns
from server.rpc.offered import Service
from server.rpc.open_calls import OpenCalls
from server.rpc.reflection import Reflection
from server.telemetry.metrics import Metrics

# Enough to send a status or a last message, but not to wait for an idle stream.
_STOP_GRACE_S = 2.0
_MAX_STREAMS_PER_CONNECTION = 1000
_KEEPALIVE_INTERVAL_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000
_LEAST_PING_INTERVAL_MS = 10_000
_RECEIVED_PER_TAKEN = 2


class ServerError(Exception):
    """The server cannot listen; says on what, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcOptions:
    """Where and how to listen, who may call, and how long a call may take."""

    host: str
    port: int
    max_message_bytes: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    reflection: bool = True
    # None lets everybody in.
    keys: KnownKeys | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)


class RpcServer:
    """Takes its port when made, so that one in use is found out before a model is loaded."""

    def __init__(self, options: RpcOptions, *, open_calls: OpenCalls, metrics: Metrics) -> None:
        self.health = Health()
        self._options = options
        self._services: list[Service] = []
        self._chain = ConcernChain(
            concerns(open_calls, metrics, options.deadlines, options.keys),
            max_message_bytes=options.max_message_bytes,
        )
        self._server = grpc.aio.server(
            interceptors=[self._chain], options=_channel_arguments(options)
        )
        self.port = self._listen()
        self._stopping: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return _join(self._options.host, self.port)

    def add(self, service: Service) -> None:
        """Offers a service and its health, with all the chain's concerns round its calls."""
        name = service.descriptor.full_name
        service.register(self._server)
        self._chain.cover(name)
        self.health.add(name)
        self._services.append(service)

    async def start(self) -> None:
        """Begins to answer: also for health and, if asked for, with what the services look like.

        These two stay outside the chain: what asks them every second is no call to log, and they
        answer without a key and while the server drains.
        """
        self.health.register(self._server)
        if self._options.reflection:
            offered: list[Service] = [*self._services, self.health]
            Reflection(each.descriptor for each in offered).register(self._server)
        await self._server.start()

    def turn_away(self, grace_s: float) -> None:
        """Takes no more connections, and has connected callers go elsewhere for their next calls.

        Without this a caller would stay on its connection, and be refused there until the very end.
        """
        self._stopping = asyncio.create_task(self._server.stop(grace_s + _STOP_GRACE_S))

    async def stop(self) -> None:
        """Ends what is still open and frees the port."""
        self.health.close()
        await self._server.stop(_STOP_GRACE_S)
        if self._stopping is not None:
            await self._stopping

    def _listen(self) -> int:
        address = _join(self._options.host, self._options.port)
        credentials = _credentials(self._options)
        _probe(self._options.host, self._options.port)
        try:
            if credentials is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise ServerError(f"cannot listen on {address}") from error


def _channel_arguments(options: RpcOptions) -> list[tuple[str, Any]]:
    return [
        # With it on, a second server on the same port would start and take half of the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", _received_bytes(options.max_message_bytes)),
        ("grpc.max_send_message_length", options.max_message_bytes),
        ("grpc.max_concurrent_streams", _MAX_STREAMS_PER_CONNECTION),
        # Finds callers that vanished without a word, lest their summaries be written to the end.
        ("grpc.keepalive_time_ms", _KEEPALIVE_INTERVAL_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        # Callers may do the same, also between calls; gRPC's default takes that for an attack.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS),
    ]


def _received_bytes(max_message_bytes: int) -> int:
    """What gRPC may read of one message: more than is taken, since only we can say what is wrong.

    gRPC refuses a larger one as soon as it has read the length, with RESOURCE_EXHAUSTED and no
    details, and neither log nor metrics hear of it. Every call in arrival may hold this much.
    """
    return min(_RECEIVED_PER_TAKEN * max_message_bytes, 2**31 - 1)


def _credentials(options: RpcOptions) -> grpc.ServerCredentials | None:
    if options.tls_cert is None or options.tls_key is None:
        return None
    chain, key = _read(options.tls_cert), _read(options.tls_key)
    try:
        # gRPC would take anything here and fail at the first handshake.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            options.tls_cert, options.tls_key, password=_refuse_password
        )
    except (ssl.SSLError, ValueError) as error:
        raise ServerError(
            f"cannot use the TLS certificate {options.tls_cert} with the key {options.tls_key}: "
            f"{getattr(error, 'reason', None) or error}"
        ) from error
    return grpc.ssl_server_credentials([(key, chain)])


def _refuse_password() -> str:
    raise ValueError("the key is encrypted, and this server asks for no password")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServerError(f"cannot read the TLS file {path}: {error.strerror}") from error


def _probe(host: str, port: int) -> None:
    """Binds and lets go, for the system's own word on what is wrong: gRPC does not pass it on."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            _bare(host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        if _bare(host) == "::" and not socket.has_dualstack_ipv6():
            return  # gRPC takes this for every address and does without IPv6 by itself
        problem = error.strerror if isinstance(error, OSError) else "this is no name of a host"
        raise ServerError(f"cannot listen on {_join(host, port)}: {problem}") from error


def _bare(host: str) -> str:
    return host.removeprefix("[").removesuffix("]")


def _join(host: str, port: int) -> str:
    bare = _bare(host)
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"
