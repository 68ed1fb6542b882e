"""What the server asks of each service that it offers."""

from typing import Protocol

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor


class Service(Protocol):
    """A servicer, and what it takes to offer it.

    Its methods are coroutine functions, streaming ones too: these read from the context and write
    to it. They raise what server/errors.py names, and find what is known of their call in
    `current_call`. Id, log, metrics, deadline, draining and errors are then seen to by the chain.
    """

    @property
    def descriptor(self) -> ServiceDescriptor:
        """Its full name, which health and the log use, and the proto that reflection shows."""

    def register(self, server: grpc.aio.Server) -> None:
        """Adds its methods to a server, as the stubs' `add_..._to_server` does."""
