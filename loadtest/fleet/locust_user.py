"""The Locust user: one in each Locust process, however many callers the load has.

Users of Locust wait for each answer, so that a slow server is asked less; what is to arrive
regardless needs a loop of its own. That loop is in the generator, and this is its voice in Locust:
statistics, failures and the web page show what the generator tells.
"""

import json
from typing import Any

# Locust comes first: it patches the standard library for gevent.
from locust import User, task
from locust.exception import StopUser

# isort: split
import gevent
from gevent.queue import Queue

from loadtest.exits import LoadTestError
from loadtest.fleet.generator_process import GeneratorProcess
from loadtest.fleet.words import DONE, FAILED, ORDER, READY, SETUP, STOP
from loadtest.measure.call import HUNG_UP, OK
from loadtest.orders import Line


class Failure(Exception):
    """A call that did not end well. Locust counts failures together that print alike."""

    def __repr__(self) -> str:
        return str(self)


class GeneratorUser(User):
    """Hands orders to a generator and reports the calls it makes."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._orders: Queue[Line] = environment.orders
        self._generator: GeneratorProcess | None = None
        self._is_stopped = False  # and so are all phases until the next setup

    def on_stop(self) -> None:
        """Ends the generator."""
        if self._generator is not None:
            self._generator.close()

    @task
    def serve(self) -> None:
        """Carries out one line from the master, or tells what is wrong and ends."""
        line = self._orders.get()
        try:
            self._carry_out(line)
        except LoadTestError as error:
            self._fail(int(error.code), str(error))

    def _carry_out(self, line: Line) -> None:
        # A stop may come between two phases, or overtake the order for one.
        self._is_stopped = line.setup is None and (line.stop or self._is_stopped)
        if line.stop:
            return
        if self._generator is None:
            self._generator = GeneratorProcess()
        self._generator.say(line)
        if self._is_stopped:
            self._generator.say(Line(stop=True))
        stopper = gevent.spawn(self._pass_on_stop, self._generator)
        try:
            self._listen(self._generator)
        finally:
            stopper.kill()

    def _pass_on_stop(self, generator: GeneratorProcess) -> None:
        """While a phase runs, the only line that may come is the one that ends it."""
        generator.say(self._orders.get())
        self._is_stopped = True

    def _listen(self, generator: GeneratorProcess) -> None:
        for word, content in generator.listen():
            if word == "calls":
                for call in content:
                    self._report(*call)
            elif word == "failed":
                self._fail(content["code"], content["message"])
            else:
                send = self.environment.runner.send_message
                send({"ready": READY, "done": DONE}[word], content)
                return

    def _fail(self, code: int, message: str) -> None:
        self.environment.runner.send_message(FAILED, {"code": code, "message": message})
        raise StopUser

    def _report(
        self,
        kind: str,
        status: str,
        latency_ms: float,
        first_delta_ms: float | None,
        between_deltas_ms: float | None,
        tokens_per_s: float | None,
    ) -> None:
        """Tells Locust of one call, from when it was due to its end."""
        failed = status not in (OK, HUNG_UP)
        self.environment.events.request.fire(
            request_type="grpc",
            name=kind,
            response_time=latency_ms,
            response_length=0,
            context=self.context(),
            exception=Failure(status) if failed else None,
        )
        extras = {
            "first delta (ms)": first_delta_ms,
            "between deltas (ms)": between_deltas_ms,
            "tokens/s": tokens_per_s,
        }
        for name, value in extras.items():
            if value is not None:
                # A row of its own. Firing an event would count it as a call in the totals.
                self.environment.stats.get(f"{kind} {name}", "grpc").log(value, 0)


def listen_to_master(environment: Any) -> None:
    """Lets the messages of the master reach the user of this process."""
    environment.orders = Queue()

    def take(environment: Any, msg: Any, **_: Any) -> None:
        key = {SETUP: "setup", ORDER: "order", STOP: "stop"}[msg.type]
        content = True if msg.type == STOP else msg.data
        # From JSON again: a message's tuples have become lists.
        environment.orders.put(Line.model_validate_json(json.dumps({key: content})))

    for word in (SETUP, ORDER, STOP):
        environment.runner.register_message(word, take)
