"""gRPC channels to the target: in clear, with TLS, or with a certificate of our own."""

from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from loadtest.exits import Exit, LoadTestError
from loadtest.orders import Target


class Channels:
    """The connections of a generator, opened as they are first used."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._credentials = _credentials(target)
        self._channels: dict[int, grpc.aio.Channel] = {}

    def of_lane(self, lane: int) -> tuple[int, grpc.aio.Channel]:
        """Gives the channel that the calls of a lane take, and its number."""
        number = lane % self._target.connections if self._target.connections else lane
        if number not in self._channels:
            self._channels[number] = self._open()
        return number, self._channels[number]

    async def close(self) -> None:
        """Closes all of them."""
        for channel in self._channels.values():
            await channel.close(grace=None)

    def _open(self) -> grpc.aio.Channel:
        options: list[tuple[str, Any]] = [
            # What the server refuses is to be seen; retries of a scenario are made by the caller.
            ("grpc.enable_retries", 0),
            # gRPC would otherwise let all channels of a process share one connection.
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", -1),
            # After a server came back, callers find it within a second.
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        if self._target.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self._target.server_name))
        if self._credentials is None:
            return grpc.aio.insecure_channel(self._target.address, options)
        return grpc.aio.secure_channel(self._target.address, self._credentials, options)


def _credentials(target: Target) -> grpc.ChannelCredentials | None:
    if not target.tls:
        return None
    ca, cert, key = map(_read, (target.ca, target.cert, target.key))
    return grpc.ssl_channel_credentials(ca, key, cert)


def _read(path: Path | None) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise LoadTestError(Exit.TLS, f"{path} cannot be read: {error.strerror}") from None
