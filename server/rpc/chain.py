"""Wraps every call of a service in a chain of concerns, outermost first."""

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
    """Runs a service's calls inside its concerns; calls of other services pass untouched.

    The handlers must be coroutine functions, streaming ones too (they write to the context): then
    one way of wrapping fits all, and cancellation reaches the handler, not a generator left behind.
    """

    def __init__(
        self, service: str, concerns: Sequence[Concern], *, max_message_bytes: int
    ) -> None:
        self._prefix = f"/{service}/"
        self._concerns = tuple(concerns)
        self._max_message_bytes = max_message_bytes
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """Wraps a handler when it is first asked for; None, for an unknown method, stays None."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(self._prefix):
            return handler
        if method not in self._wrapped:
            self._wrapped[method] = self._wrap(handler, method.removeprefix(self._prefix))
        return self._wrapped[method]

    def _wrap(self, handler: Handler, rpc: str) -> Handler:
        serializer, deserializer = handler.response_serializer, handler.request_deserializer
        # A single request is measured and parsed inside the chain: what is wrong with the message
        # ends like any bad request. BatchCall does the same with each of its messages.
        if handler.unary_unary:
            behaviour = self._inside(rpc, self._parsing(deserializer, handler.unary_unary))
            return grpc.unary_unary_rpc_method_handler(behaviour, None, serializer)
        if handler.unary_stream:
            behaviour = self._inside(rpc, self._parsing(deserializer, handler.unary_stream))
            return grpc.unary_stream_rpc_method_handler(behaviour, None, serializer)
        if handler.stream_stream:
            behaviour = self._inside(rpc, _parsed_as_read(handler.stream_stream))
            return grpc.stream_stream_rpc_method_handler(behaviour, deserializer, serializer)
        raise TypeError(f"{rpc} takes a stream and answers once, which no call here does")

    def _inside(self, rpc: str, behaviour: Behaviour) -> Behaviour:
        async def answer(request: Any, context: Context) -> Any:
            call = Call(rpc)
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
