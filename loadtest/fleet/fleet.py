"""All generators as one, seen from where the run is conducted: Locust's master, or its only one."""

import json
from collections.abc import Mapping
from typing import Any

from gevent.queue import Empty, Queue
from pydantic import BaseModel

from loadtest.exits import Exit, LoadTestError
from loadtest.fleet.words import DONE, FAILED, ORDER, READY, SETUP, STOP
from loadtest.orders import Order, Setup, Target, Work
from loadtest.scenario import Phase

_SETUP_PATIENCE_S = 60.0
_SLACK_S = 30.0
_LOOK_S = 1.0


class Fleet:
    """Gives each generator its part of every phase and gathers what they found."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._replies: Queue[tuple[str, Any]] = Queue()
        self._size = 0
        for word in (READY, DONE, FAILED):
            runner.register_message(word, self._hear)

    @property
    def size(self) -> int:
        """How many generators there are."""
        return self._size

    def set_up(self, target: Target, work: Work) -> Mapping[str, str]:
        """Readies all generators and gives what one of them learnt of the target."""
        self._size = len(self._ids())
        self._replies = Queue()
        self._say(SETUP, [Setup(target=target, work=work)] * self._size)
        facts = self._gather(READY, _SETUP_PATIENCE_S)
        return dict(facts[0])

    def run(self, number: int, phase: Phase, start_s: float, patience_s: float) -> list[Any]:
        """Runs a phase; `patience_s` is how long the last answer may take."""
        orders = [
            Order(number=number, phase=phase, start_s=start_s, share=share, shares=self._size)
            for share in range(self._size)
        ]
        self._say(ORDER, orders)
        return self._gather(DONE, phase.seconds + patience_s + _SLACK_S)

    def stop(self) -> None:
        """Ends the running phase now; `run` then gives what there is."""
        for each in self._ids():
            self._runner.send_message(STOP, None, each)

    def _say(self, word: str, contents: list[Any]) -> None:
        for each, content in zip(self._ids(), contents, strict=True):
            self._runner.send_message(word, _plain(content), each)

    def _gather(self, word: str, patience_s: float) -> list[Any]:
        """Waits until every generator has said so, and for none that Locust has lost."""
        replies: list[Any] = []
        waited_s = 0.0
        while len(replies) < self._size:
            try:
                said, content = self._replies.get(timeout=_LOOK_S)
            except Empty:
                waited_s += _LOOK_S
                self._check_that_all_are_there(waited_s, patience_s)
                continue
            if said == FAILED:
                raise LoadTestError(Exit(content["code"]), content["message"])
            replies += [content] if said == word else []
        return replies

    def _check_that_all_are_there(self, waited_s: float, patience_s: float) -> None:
        if waited_s > patience_s:
            raise LoadTestError(Exit.BROKEN, f"a generator said nothing for {waited_s:.0f} s")
        if len(self._ids()) != self._size:
            raise LoadTestError(Exit.BROKEN, "a worker has gone or come during the run")

    def _ids(self) -> list[str]:
        clients = getattr(self._runner, "clients", None)
        if clients is None:
            return [self._runner.client_id]
        return sorted(each.id for each in clients.ready + clients.spawning + clients.running)

    def _hear(self, environment: Any, msg: Any, **_: Any) -> None:
        self._replies.put((msg.type, msg.data))


def _plain(message: BaseModel) -> Any:
    return json.loads(message.model_dump_json(exclude_defaults=True))
