"""The engine's one thread.

It takes requests from any thread, steps while there is work, sleeps while there is none.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from server.engine.engine import Engine
from server.engine.pace import Pace
from server.engine.request import EngineRequest, Event, Failed
from server.engine.runner import RunnerLostError
from server.errors import DeviceLost, EngineFailure, RequestError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Cancel:
    request_id: int


class _Stop:
    """Ends the thread."""


class EngineLoop:
    """Runs an engine in a thread of its own.

    `deliver` is called on that thread with all events of a step at once, so that a caller on an
    event loop is woken once a step and not once a token. `on_fatal` is called last, if the engine
    cannot go on.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        deliver: Callable[[list[Event]], None],
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._engine = engine
        self._deliver = deliver
        self._on_fatal = on_fatal
        self._inbox: queue.SimpleQueue[EngineRequest | _Cancel | _Stop] = queue.SimpleQueue()
        # Guards the moment after which nobody reads the inbox any more.
        self._ending = threading.Lock()
        # Set once nobody reads it.
        self._ended_by: RequestError | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def pace(self) -> Pace | None:
        """How fast the engine works; for any thread."""
        return self._engine.pace

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def submit(self, request: EngineRequest) -> None:
        """Hands a request over; its events come through `deliver`, also when it is too late."""
        with self._ending:
            if self._ended_by is None:
                self._inbox.put(request)
                return
        self._deliver([Failed(request.id, self._ended_by)])

    def cancel(self, request_id: int) -> None:
        """Frees whatever the request holds before the next step; one that is over is left alone."""
        self._inbox.put(_Cancel(request_id))

    def stop(self) -> None:
        """Ends the thread after the step in progress; requests still in the engine fail."""
        self._inbox.put(_Stop())

    def join(self, timeout_s: float | None = None) -> bool:
        """Waits for the thread's end; False if it did not come in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        ended_by: RequestError = EngineFailure("the server stopped before the summary was complete")
        fatal: BaseException | None = None
        try:
            while self._take_in():
                if events := self._engine.step():
                    self._deliver(events)
        except Exception as error:
            _log.exception("the engine failed and cannot go on")
            is_lost = isinstance(error, RunnerLostError)
            ended_by = DeviceLost() if is_lost else EngineFailure("the engine failed")
            fatal = error
        try:
            self._end(ended_by)
        finally:
            if fatal is not None:
                self._on_fatal(fatal)

    def _take_in(self) -> bool:
        """Empties the inbox, waiting for something to do; False when told to stop."""
        while True:
            try:
                message = self._inbox.get(block=self._engine.is_idle)
            except queue.Empty:
                return True
            match message:
                case EngineRequest():
                    self._engine.submit(message)
                case _Cancel(request_id):
                    self._engine.cancel(request_id)
                case _Stop():
                    return False

    def _end(self, error: RequestError) -> None:
        """Fails everyone: in the engine, in the inbox, and from now on whoever comes."""
        with self._ending:
            self._ended_by = error
        events = self._engine.abort_all(error)
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, EngineRequest):
                events.append(Failed(message.id, error))
        if events:
            self._deliver(events)
