"""Steps that the device takes by itself are those that would have been proposed to it."""

from collections.abc import Sequence

import numpy as np
import pytest

from server.decoding.strategy import Ahead, Outcome, Proposal
from server.engine.runner import DecodeBatch, Move
from tests.server.runtime.device.conftest import MAX_ROWS, Pair
from tests.server.runtime.stepping import NARROW, ROUNDING, Model, feed, kept

NEVER = (0, 2)


def burst(model: Model, steps: int, *proposals: Proposal) -> list[Outcome]:
    return list(model.runner.decode(DecodeBatch(NARROW, proposals, steps)))


def with_leave(tokens: Sequence[int], slot: int, **more: Sequence[int]) -> Proposal:
    return feed(tokens, slot, excluded=more.get("excluded", NEVER), ahead=Ahead(NEVER, 50))


def write(model: Model, source: Sequence[int], count: int) -> list[int]:
    """Greedy, one proposed token at a time."""
    model.admit(source)
    tokens = [model.start_id]
    for slot in range(count):
        (said,) = model.step(feed(tokens[-1:], slot, excluded=NEVER))
        tokens.append(said.token_ids.item(0, 0))
    return tokens


def read(outcome: Outcome, slot: int, fed: Sequence[int]) -> list[int]:
    """The tokens that a burst wrote, as a strategy would read them."""
    written: list[int] = []
    steps = [(fed, slot, outcome)]
    steps += [(each.token_ids, each.first_slot, each.outcome) for each in outcome.following]
    for tokens, first_slot, said in steps:
        if written:
            assert tokens[0] == written[-1]
            assert first_slot == slot
        query = 0
        written.append(said.token_ids.item(0, 0))
        while query + 1 < len(tokens) and tokens[query + 1] == written[-1]:
            query += 1
            written.append(said.token_ids.item(query, 0))
        slot += query + 1
    return written


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_burst_writes_what_single_steps_would(pair: Pair, steps: int) -> None:
    expected = write(pair.plain, pair.sources[0], 40)
    model = pair.on_device
    model.admit(pair.sources[0])
    written = [model.start_id]
    while len(written) < 24:
        slot = len(written) - 1
        (said,) = burst(model, steps, with_leave(written[-1:], slot))
        assert len(said.following) == steps
        written += read(said, slot, written[-1:])
    assert written == expected[: len(written)]


def test_rows_of_a_crowd_go_on_each_from_its_own_place(pair: Pair) -> None:
    expected = [write(pair.plain, source, 30) for source in pair.sources]
    model = pair.on_device
    model.admit(*pair.sources)
    written = [[model.start_id] for _ in pair.sources]
    for round_ in range(3):
        slots = [len(tokens) - 1 for tokens in written]
        proposals = [
            with_leave(tokens[-1:], slot) for tokens, slot in zip(written, slots, strict=True)
        ]
        said = burst(model, round_ + 1, *proposals)
        for tokens, slot, outcome in zip(written, slots, said, strict=True):
            tokens += read(outcome, slot, tokens[-1:])
    for tokens, wanted in zip(written, expected, strict=True):
        assert tokens == wanted[: len(tokens)]


def test_a_draft_of_the_hosts_and_those_of_the_device_mix(copying: Pair) -> None:
    expected = write(copying.plain, copying.sources[0], 40)
    model = copying.on_device
    model.admit(copying.sources[0])
    right_then_wrong = [*expected[:3], 599]
    (said,) = burst(model, 3, with_leave(right_then_wrong, 0))
    written = read(said, 0, right_then_wrong)
    assert written == expected[1 : 1 + len(written)]
    assert len(written) >= 6


def test_what_is_excluded_now_is_excluded_at_the_proposed_step_alone(pair: Pair) -> None:
    model = pair.on_device
    model.admit(pair.sources[0])
    (free,) = burst(model, 4, with_leave([model.start_id], 0))
    favourite = free.token_ids.item(0, 0)
    model.admit(pair.sources[0])
    (said,) = burst(model, 4, with_leave([model.start_id], 0, excluded=(*NEVER, favourite)))
    second = free.token_ids.item(0, 1)
    assert said.token_ids.item(0, 0) == second
    expected = pair.plain.say_after(pair.sources[0], [model.start_id, second])
    step = said.following[0]
    assert step.token_ids[0] == second
    np.testing.assert_allclose(step.outcome.log_probs[0, 0], _best(expected), atol=ROUNDING)


def _best(outcome: Outcome) -> float:
    ids, log_probs = outcome.token_ids[0], outcome.log_probs[0]
    return float(next(p for i, p in zip(ids, log_probs, strict=True) if i not in NEVER))


def test_what_may_never_follow_is_never_chosen_ahead(pair: Pair) -> None:
    model = pair.on_device
    model.admit(pair.sources[0])
    (free,) = burst(model, 6, with_leave([model.start_id], 0))
    chosen = read(free, 0, [model.start_id])
    banned = (*NEVER, *chosen[1:4])
    proposal = feed([model.start_id], 0, excluded=NEVER, ahead=Ahead(banned, 50))
    (said,) = burst(model, 6, proposal)
    assert not set(read(said, 0, [model.start_id])[1:]) & set(banned)


def test_a_burst_that_the_cache_cannot_hold_is_shorter(pair: Pair) -> None:
    model = pair.on_device
    most = pair.bundle.manifest.geometry.max_positions
    model.admit(*pair.sources[:2])
    end, beginning = with_leave([9], most - 2), with_leave([model.start_id], 0)
    alone = [kept(each) for each in model.step(feed([9], most - 2, excluded=NEVER), beginning)]
    found = burst(model, 500, end, beginning)
    assert 0 <= len(found[0].following) < 500
    for a, b in zip(found, alone, strict=True):
        np.testing.assert_array_equal(a.token_ids[0], b.token_ids[0])
        np.testing.assert_allclose(a.log_probs[0], b.log_probs[0], atol=ROUNDING)


def test_a_row_without_leave_keeps_all_from_going_ahead(pair: Pair) -> None:
    model = pair.on_device
    model.admit(*pair.sources[:2])
    start = [model.start_id]
    found = burst(model, 4, with_leave(start, 0), feed(start, 0))
    assert [len(said.following) for said in found] == [0, 0]


def test_steps_can_be_looked_at_in_any_order(pair: Pair) -> None:
    model = pair.on_device
    model.admit(pair.sources[0])
    (said,) = burst(model, 4, with_leave([model.start_id], 0))
    following = said.following
    assert [step.first_slot for step in following] == [
        following[index].first_slot for index in (-4, -3, 2, 3)
    ]
    assert [step.first_slot for step in following[1:3]] == [
        following[1].first_slot, following[2].first_slot,
    ]  # fmt: skip
    with pytest.raises(IndexError):
        following[4]


def test_a_burst_cut_short_by_a_cancelled_row_leaves_its_fellows_as_they_were(pair: Pair) -> None:
    expected = write(pair.plain, pair.sources[1], 20)
    model = pair.on_device
    model.admit(*pair.sources[:3])
    start = with_leave([model.start_id], 0)
    _, said, _ = burst(model, 3, start, start, start)
    written = [model.start_id, *read(said, 0, [model.start_id])]
    # The first row is gone and the last takes its number; the second goes on where it was.
    pair.runner.move(Move(NARROW, source_row=2, target_row=0))
    slot = len(written) - 1
    _, said = burst(model, 3, start, with_leave(written[-1:], slot))
    written += read(said, slot, written[-1:])
    assert written == expected[: len(written)]


def test_as_many_rows_as_the_runner_holds_run_at_once(pair: Pair) -> None:
    model = pair.on_device
    model.admit(*[pair.sources[3]] * MAX_ROWS)
    said = burst(model, 1, *[with_leave([model.start_id], 0)] * MAX_ROWS)
    assert len({tuple(read(each, 0, [model.start_id])) for each in said}) == 1
