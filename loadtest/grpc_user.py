"""A Locust user for any gRPC service, to copy: this one file needs nothing else of this package.

Its users wait for each answer, as all of Locust's do: for arrivals that do not wait, and for exact
percentiles, see `python -m loadtest run`.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

# Locust comes first: it patches the standard library for gevent, and gRPC must be told of gevent
# after that and before the first channel.
from locust import User

# isort: split
import gevent
import grpc
import grpc.experimental.gevent

grpc.experimental.gevent.init_gevent()

_PAUSE_AFTER_FAILURE_S = 0.1
"""A refusal comes at once. Without a pause a closed loop would become a busy one."""


class Failure(Exception):
    """A call that did not end well. Locust counts failures together that print alike."""

    def __repr__(self) -> str:
        return str(self)


class GrpcUser(User):
    """A caller who sends nothing twice: what the server refuses, it refuses visibly."""

    abstract = True
    credentials: grpc.ChannelCredentials | None = None  # grpc.ssl_channel_credentials(...) for TLS
    metadata: tuple[tuple[str, str], ...] = ()
    deadline_s = 30.0
    shares_channel = False  # whether all users of this class and process share one connection
    _shared: grpc.Channel | None = None

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        kind = type(self)
        if not self.shares_channel:
            self.channel = self._open()
        else:
            kind._shared = self.channel = kind._shared or self._open()

    def on_stop(self) -> None:
        """Closes the connection, unless others may use it."""
        if not self.shares_channel:
            self.channel.close()

    def unary(self, method: Any, request: Any, *, cancel_after_s: float | None = None) -> Any:
        """Calls a method that answers once; gives the answer, or None if there was none."""
        call = method.future(request, timeout=self.deadline_s, metadata=self.metadata)
        return self._measure(method, call, lambda watch: call.result(), cancel_after_s)

    def stream(
        self,
        method: Any,
        request: Any,
        *,
        count_tokens: Callable[[list[Any]], int] | None = None,
        cancel_after_s: float | None = None,
    ) -> list[Any] | None:
        """Calls a method that answers in pieces, or (with an iterator) is asked in pieces too.

        The times to the first piece and between pieces get rows of their own; so do tokens a
        second, if it is said how to count them in the whole answer.
        """
        call = method(request, timeout=self.deadline_s, metadata=self.metadata)

        def read(watch: "_Watch") -> list[Any]:
            messages = []
            for message in call:
                watch.piece()
                messages.append(message)
            if count_tokens is not None:
                watch.tokens(count_tokens(messages))
            return messages

        answer: list[Any] | None = self._measure(method, call, read, cancel_after_s)
        return answer

    def batch(self, method: Any, requests: Iterable[Any], **options: Any) -> list[Any] | None:
        """Calls a method that is asked and answers in pieces."""
        return self.stream(method, iter(requests), **options)

    def _measure(
        self,
        method: Any,
        call: Any,
        read: Callable[["_Watch"], Any],
        cancel_after_s: float | None,
    ) -> Any:
        """Waits for a call's end and tells Locust how it went."""
        name = _name_of(method)
        watch = _Watch(self.environment.stats, name)
        hanging_up = (
            None if cancel_after_s is None else gevent.spawn_later(cancel_after_s, call.cancel)
        )
        answer, failure = None, None
        try:
            answer = read(watch)
        except grpc.FutureCancelledError:
            pass  # by ourselves
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED or hanging_up is None:
                failure = Failure(error.code().name + _pushback(error))
        finally:
            if hanging_up is not None:
                hanging_up.kill()
        self.environment.events.request.fire(
            request_type="grpc",
            name=name,
            response_time=watch.passed_ms(),
            response_length=0,
            response=answer,
            context=self.context(),
            exception=failure,
        )
        if failure is not None:
            gevent.sleep(_PAUSE_AFTER_FAILURE_S)
        return answer

    def _open(self) -> grpc.Channel:
        if self.host is None:
            raise ValueError("say where the server is: --host HOST:PORT")
        # gRPC would otherwise let all channels of a process share one connection.
        options = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
        if self.credentials is None:
            return grpc.insecure_channel(self.host, options)
        return grpc.secure_channel(self.host, self.credentials, options)


class _Watch:
    """Times one call, and adds to rows of its own what is no call.

    Firing an event for these would count them as calls in the totals.
    """

    def __init__(self, stats: Any, name: str) -> None:
        self._stats, self._name = stats, name
        self._sent_at = time.perf_counter()
        self._piece_at: float | None = None

    def passed_ms(self) -> float:
        return 1000 * (time.perf_counter() - self._sent_at)

    def piece(self) -> None:
        now = time.perf_counter()
        if self._piece_at is None:
            self._log("first piece (ms)", 1000 * (now - self._sent_at))
        else:
            self._log("between pieces (ms)", 1000 * (now - self._piece_at))
        self._piece_at = now

    def tokens(self, count: int) -> None:
        if self._piece_at is not None:
            self._log("tokens/s", count / (self._piece_at - self._sent_at))

    def _log(self, what: str, value: float) -> None:
        self._stats.get(f"{self._name} {what}", "grpc").log(value, 0)


def _name_of(method: Any) -> str:
    path = method._method  # grpcio keeps it in no public place
    return str(path.decode() if isinstance(path, bytes) else path).rpartition("/")[2]


def _pushback(error: Any) -> str:
    """Tells of a refusal that says when to come again."""
    said = dict(error.trailing_metadata() or ()).get("grpc-retry-pushback-ms")
    return "" if said is None else " (pushed back)"
