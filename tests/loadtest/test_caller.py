"""What every protocol gets: retries that mind the server's word, hanging up, and a record."""

import asyncio

import pytest

from loadtest.engine.caller import NEVER_ENDED, Answer, Ask, Caller
from loadtest.engine.clock import Clock
from loadtest.measure.call import HUNG_UP, OK, Call
from loadtest.orders import Target
from loadtest.scenario import MixEntry

REFUSED = Answer(status="RESOURCE_EXHAUSTED", may_retry=True, retry_after_s=0.02)


class ScriptedCaller(Caller):
    """Answers in turn; `None` is no answer ever."""

    def __init__(self, *answers: Answer | None) -> None:
        super().__init__(Target(address="nowhere"), Clock())
        self._answers = list(answers)
        self.sent_s: list[float] = []

    async def send(self, ask: Ask, timeout_s: float, deltas_s: list[float]) -> Answer:
        self.sent_s.append(self.clock.now())
        deltas_s.append(self.clock.now())
        answer = self._answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
            raise AssertionError
        return answer


async def call(caller: Caller, **keys: object) -> Call:
    entry = MixEntry.model_validate({"label": "long", **keys})
    return await caller.call(Ask(entry, ("a",), 0), intended_s=-1.0)


async def test_a_call_tells_when_it_was_due_and_when_its_pieces_came() -> None:
    made = await call(ScriptedCaller(Answer(status=OK, summary_tokens=7)))

    assert (made.kind, made.label, made.status) == ("Summarize", "long", OK)
    assert (made.summary_tokens, made.retries, made.pushed_back) == (7, 0, 0)
    assert made.intended_s == -1.0
    assert made.sent_s <= made.deltas_s[0] <= made.ended_s


async def test_a_call_that_outlives_its_deadline_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("loadtest.engine.caller._GRACE_S", 0.0)

    made = await call(ScriptedCaller(None), deadline_s=0.01, retries=3)

    assert (made.status, made.retries) == (NEVER_ENDED, 0)


async def test_nothing_is_sent_twice_unless_the_scenario_says_so() -> None:
    caller = ScriptedCaller(REFUSED)

    made = await call(caller)

    assert (made.status, made.retries, made.pushed_back) == ("RESOURCE_EXHAUSTED", 0, 1)


async def test_a_retry_waits_as_long_as_the_server_says_and_starts_its_pieces_anew() -> None:
    caller = ScriptedCaller(REFUSED, REFUSED, Answer(status=OK))

    made = await call(caller, retries=5)

    first, second, third = caller.sent_s
    assert min(second - first, third - second) >= 0.02
    assert (made.status, made.retries, made.pushed_back) == (OK, 2, 2)
    assert len(made.deltas_s) == 1


async def test_what_will_never_go_well_is_not_sent_again() -> None:
    made = await call(ScriptedCaller(Answer(status="INVALID_ARGUMENT")), retries=5)

    assert (made.status, made.retries) == ("INVALID_ARGUMENT", 0)


async def test_a_retry_that_would_come_after_the_deadline_is_not_waited_for() -> None:
    later = Answer(status="UNAVAILABLE", may_retry=True, retry_after_s=60.0)

    made = await call(ScriptedCaller(later), retries=5, deadline_s=1.0)

    assert (made.status, made.retries, made.pushed_back) == ("UNAVAILABLE", 0, 1)


async def test_a_caller_who_hangs_up_is_counted_as_that_with_the_pieces_that_came() -> None:
    made = await call(ScriptedCaller(None), cancel_after_s=0.01)

    assert made.status == HUNG_UP
    assert len(made.deltas_s) == 1


async def test_a_call_that_is_under_way_when_the_run_ends_is_counted_too() -> None:
    caller = ScriptedCaller(None)
    under_way = asyncio.create_task(call(caller))
    while not caller.sent_s:
        await asyncio.sleep(0)

    under_way.cancel()

    assert (await under_way).status == HUNG_UP


async def test_a_target_has_sane_connections() -> None:
    with pytest.raises(ValueError, match="connections"):
        Target(address="x", connections=-1)
