"""Each waiter keeps its own deadline, and the computation has the latest of them."""

import time

import pytest

from server.errors import DeadlineExpired
from tests.server.sharing.harness import TEXT, TOKENS, Harness

SOON_S, LATER_S = 100.0, 200.0


async def test_the_computation_has_the_latest_deadline_of_those_who_wait(
    harness: Harness,
) -> None:
    now_s = time.monotonic()
    patient = harness.call(deadline_s=now_s + SOON_S)
    await harness.until_inside(1)
    (request,) = harness.engine.requests
    assert request.terms.deadline_s == now_s + SOON_S

    very_patient = harness.call(deadline_s=now_s + LATER_S)
    await harness.until_inside(2)
    assert request.terms.deadline_s == now_s + LATER_S

    endlessly_patient = harness.call()
    await harness.until_inside(3)
    assert request.terms.deadline_s is None

    await endlessly_patient.leave()
    assert request.terms.deadline_s == now_s + LATER_S
    await very_patient.leave()
    assert request.terms.deadline_s == now_s + SOON_S
    await patient.leave()
    await harness.until_empty()


async def test_a_leader_whose_deadline_passes_does_not_take_its_followers_with_it(
    harness: Harness,
) -> None:
    leader = harness.call(deadline_s=time.monotonic() + 0.05)
    follower = harness.call()
    with pytest.raises(DeadlineExpired):
        await leader.summary()
    await harness.until_inside(1)
    harness.engine.write(*TOKENS)
    harness.engine.finish()

    assert (await follower.summary()).text == TEXT


async def test_a_leader_who_counted_on_the_engine_hears_that_somebody_waits_longer(
    harness: Harness,
) -> None:
    leader = harness.call(deadline_s=time.monotonic() + 0.2)
    await harness.until_inside(1)
    follower = harness.call()
    with pytest.raises(DeadlineExpired):
        await leader.summary()
    await follower.leave()


async def test_a_follower_whose_deadline_passes_leaves_the_leader_alone(harness: Harness) -> None:
    leader = harness.call()
    follower = harness.call(deadline_s=time.monotonic() + 0.05)
    with pytest.raises(DeadlineExpired):
        await follower.summary()
    await harness.until_inside(1)
    harness.engine.finish()

    await leader.summary()


async def test_who_comes_as_the_engine_gives_up_goes_on_with_a_new_computation(
    harness: Harness,
) -> None:
    """The engine judged by the deadline that held before."""
    leader = harness.call(deadline_s=time.monotonic() + 0.2, wants_deltas=True)
    await harness.until_inside(1)
    follower = harness.call(wants_deltas=True)
    harness.engine.write(*TOKENS[:2])
    await harness.until(lambda: follower.text == "one two")
    harness.engine.fail(DeadlineExpired("running"))
    await harness.until(lambda: len(harness.engine.requests) == 2)
    for token in TOKENS:
        harness.engine.write(token, index=1)
    harness.engine.finish(1)

    assert (await follower.summary()).text == TEXT
    assert follower.text == TEXT
    await leader.leave()
    await harness.until_empty()


async def test_the_engines_word_on_a_deadline_that_has_passed_is_passed_on(
    harness: Harness,
) -> None:
    caller = harness.call(deadline_s=time.monotonic() + 0.05)
    await harness.until(lambda: len(harness.engine.requests) == 1)
    await harness.until(
        lambda: time.monotonic() > (harness.engine.requests[0].terms.deadline_s or 0)
    )
    harness.engine.fail(DeadlineExpired("waiting"))

    with pytest.raises(DeadlineExpired) as caught:
        await caller.summary()
    assert caught.value.stage == "waiting"
