"""A run inside Locust: its environment, its runner, and a shape that lasts as long as the run."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from locust import LoadTestShape
from locust.env import Environment
from locust.log import setup_logging

# isort: split
import gevent

from loadtest.conduct.conductor import Conductor
from loadtest.conduct.plan import Plan
from loadtest.conduct.progress import Progress
from loadtest.exits import Exit, LoadTestError
from loadtest.fleet.fleet import Fleet
from loadtest.fleet.locust_user import GeneratorUser, listen_to_master
from loadtest.report.headline import headline
from loadtest.results import Run

_PATIENCE_S = 60.0


class Session:
    """Conducts a run each time that Locust's test is started."""

    def __init__(
        self,
        plan: Plan,
        finish: Callable[[Run], None],
        fail: Callable[[LoadTestError], None] = lambda error: None,
    ) -> None:
        self.environment = make_environment()
        self.environment.host = plan.target.address
        self._plan = plan
        self._finish, self._fail = finish, fail
        self._fleet: Fleet | None = None
        self._conductor: Conductor | None = None
        self._ended = gevent.event.Event()
        self._progress: Progress | None = None
        self.runs = 0  # that have begun
        self.run: Run | None = None
        self.error: LoadTestError | None = None

    def open(self, workers_at: tuple[str, int] | None = None) -> None:
        """Makes the runner: one of its own, or the master of workers at a host and port."""
        environment = self.environment
        if workers_at is None:
            environment.create_local_runner()
            listen_to_master(environment)
        else:
            environment.create_master_runner(*workers_at)
        self._fleet = Fleet(environment.runner)
        environment.shape_class = ScenarioShape(self)
        environment.events.test_start.add_listener(self._start)
        environment.events.test_stopping.add_listener(self._stop)

    def await_workers(self, count: int) -> None:
        """Waits until so many workers have come."""
        give_up_at = time.monotonic() + _PATIENCE_S
        while (found := self.environment.runner.worker_count) < count:
            if time.monotonic() > give_up_at:
                raise LoadTestError(
                    Exit.BROKEN, f"{found} of {count} workers came within {_PATIENCE_S:g} s"
                )
            gevent.sleep(0.1)

    def conduct(self) -> Run:
        """Runs it once, now."""
        self.environment.runner.start_shape()
        self._ended.wait()
        if self.error is not None:
            raise self.error
        assert self.run is not None
        return self.run

    def wait(self) -> None:
        """Waits until the run that is going on has ended."""
        if self._conductor is not None:
            self._ended.wait(_PATIENCE_S)

    def interrupt(self) -> None:
        """Ends the run soon."""
        if self._conductor is not None:
            self._conductor.interrupt()

    def status(self) -> str:
        """Says in a sentence how far it is, for the page."""
        name = f"Scenario {self._plan.name}"
        if self._conductor is not None and self._progress is not None:
            return f"{name}, {self._progress.where()}."
        if self.error is not None:
            return f"{name} ended: {self.error}."
        if self.run is not None:
            return f"{name} ended. {headline(self.run).words}."
        return f"{name} has not been started."

    @property
    def is_over(self) -> bool:
        """Whether the run that was last asked for has ended."""
        return bool(self._ended.is_set())

    def await_start(self) -> None:
        """Locust starts a test."""
        self._ended.clear()

    @property
    def users(self) -> int:
        """How many users of Locust the run needs: one in each process."""
        return max(1, int(self.environment.runner.worker_count))

    def _start(self, **_: Any) -> None:
        self.runs += 1
        self.run, self.error = None, None
        progress = self._progress = Progress(self._count, self._plan.scenario.measured_phases)
        assert self._fleet is not None
        # The page lets people say another host.
        address = self.environment.host.removeprefix("http://").rstrip("/")
        target = self._plan.target.model_copy(update={"address": address})
        plan = replace(self._plan, target=target)
        self._conductor = Conductor(plan, self._fleet, progress)
        ticking = gevent.spawn(_tick, progress)
        gevent.spawn(self._conduct, self._conductor).link(lambda _: ticking.kill())

    def _conduct(self, conductor: Conductor) -> None:
        try:
            self.run = conductor.conduct()
            self._finish(self.run)
            if conductor.error is not None:
                raise conductor.error
        except LoadTestError as error:
            self.error = error
            self.environment.runner.log_exception("loadtest", str(error), "")  # for the page
            self._fail(error)
        except Exception as error:
            self.error = LoadTestError(Exit.BROKEN, f"{type(error).__name__}: {error}")
            raise
        finally:
            self._conductor = None
            self._ended.set()

    def _stop(self, **_: Any) -> None:
        """Locust's test is about to end, perhaps since somebody clicked on Stop."""
        self.interrupt()
        self.wait()

    def _count(self) -> tuple[int, int]:
        total = self.environment.stats.total
        return total.num_requests, total.num_failures


class ScenarioShape(LoadTestShape):
    """Holds one user in each process until the run is over."""

    def __init__(self, session: Session) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Locust is typed in parts
        self._session = session

    def reset_time(self) -> None:
        """Locust starts a test."""
        super().reset_time()  # type: ignore[no-untyped-call]
        self._session.await_start()

    def tick(self) -> tuple[int, float] | None:
        """Tells Locust, once a second, how many users there should be."""
        return None if self._session.is_over else (self._session.users, 100.0)


def make_environment() -> Any:
    """Makes an environment of Locust that has our user and says no more than warnings."""
    setup_logging("WARNING")  # type: ignore[no-untyped-call]
    return Environment(user_classes=[GeneratorUser], catch_exceptions=True)


def _tick(progress: Progress) -> None:
    while True:
        gevent.sleep(1)
        progress.tick()
