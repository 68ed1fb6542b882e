"""Wraps every call of the services in a chain of concerns, outermost first."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from server.errors import InvalidRequest, MessageTooLarge, Violation
from server.rpc.call import Call, Context, current_call

# In quotes, because gRPC's own classes take no parameters; only their type stubs do.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Behaviour = Callable[[Any, Context], Awaitable[Any]]
Proceed = Callable[[], Awaitable[Any]]


class Concern(Protocol):
    """One thing done round every call."""

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Does its part round `proceed`, the rest of the chain, and returns what that returns."""


class ConcernChain(grpc.aio.ServerInterceptor):
    """Runs the calls of the services that it covers inside its concerns; others pass untouched.

    The handlers must be coroutine functions, streaming ones too (they write to the context): then
    one way of wrapping fits all, and cancellation reaches the handler, not a generator left behind.
    """

    def __init__(self, concerns: Sequence[Concern], *, max_message_bytes: int) -> None:
        self._services: set[str] = set()
        self._concerns = tuple(concerns)
        self._max_message_bytes = max_message_bytes
        self._wrapped: dict[str, Handler] = {}

    def cover(self, service: str) -> None:
        """Runs the calls of this service inside the concerns from now on."""
        self._services.add(service)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """Wraps a handler when it is first asked for; None, for an unknown method, stays None."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        service, _, rpc = method.removeprefix("/").partition("/")
        if handler is None or service not in self._services:
            return handler
        if method not in self._wrapped:
            self._wrapped[method] = self._wrap(handler, partial(Call, service, rpc))
        return self._wrapped[method]

    def _wrap(self, handler: Handler, new_call: Callable[[], Call]) -> Handler:
        serializer, deserializer = handler.response_serializer, handler.request_deserializer
        # A single request is measured and parsed inside the chain: what is wrong with the message
        # ends like any bad request. A servicer measures the messages of a stream itself, since it
        # may refuse one and answer the others.
        if handler.unary_unary:
            behaviour = self._inside(new_call, self._parsing(deserializer, handler.unary_unary))
            return grpc.unary_unary_rpc_method_handler(behaviour, None, serializer)
        if handler.unary_stream:
            behaviour = self._inside(new_call, self._parsing(deserializer, handler.unary_stream))
            return grpc.unary_stream_rpc_method_handler(behaviour, None, serializer)
        if handler.stream_unary:
            behaviour = self._inside(new_call, _parsed_as_read(handler.stream_unary))
            return grpc.stream_unary_rpc_method_handler(behaviour, deserializer, serializer)
        behaviour = self._inside(new_call, _parsed_as_read(handler.stream_stream))
        return grpc.stream_stream_rpc_method_handler(behaviour, deserializer, serializer)

    def _inside(self, new_call: Callable[[], Call], behaviour: Behaviour) -> Behaviour:
        async def answer(request: Any, context: Context) -> Any:
            call = new_call()
            current_call.set(call)
            # partial() rather than closures: each would be one more frame to pass at every wake-up.
            proceed: Proceed = partial(behaviour, request, context)
            for concern in reversed(self._concerns):
                proceed = partial(concern.around, call, context, proceed)
            return await proceed()

        return answer

    def _parsing(self, deserializer: Callable[[bytes], Any] | None, behaviour: Any) -> Behaviour:
        async def parse_and_behave(request: bytes, context: Context) -> Any:
            if len(request) > self._max_message_bytes:
                current_call.get().notes["message_bytes"] = len(request)
                raise MessageTooLarge(len(request), self._max_message_bytes)
            if deserializer is None:
                return await behaviour(request, context)
            try:
                message = deserializer(request)
            except DecodeError as error:
                raise _malformed() from error
            return await behaviour(message, context)

        return parse_and_behave


def _parsed_as_read(behaviour: Any) -> Behaviour:
    async def behave(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except DecodeError as error:
            raise _malformed() from error

    return behave


def _malformed() -> InvalidRequest:
    problem = "cannot be parsed: it is cut off, of another type, or has text that is not UTF-8"
    return InvalidRequest(Violation("(message)", problem))
