"""However a step is cut, each token is answered as if it had been fed alone to a row of its own."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from server.decoding.strategy import Outcome, Proposal
from server.engine.runner import LaneKey
from tests.server.runtime.stepping import NARROW, Model, assert_alike, feed

NUM_TOKENS = 6
SHORT, LONG = 1, 5


def test_each_token_of_a_draft_is_answered_as_if_fed_alone(model: Model) -> None:
    source = model.sources[0]
    tokens, expected = model.write(source, NUM_TOKENS)
    model.admit(source)
    (found,) = model.step(feed(tokens, 0))
    for query in range(NUM_TOKENS):
        assert_alike(found, query, expected[query])


def test_a_draft_that_was_wrong_leaves_no_trace(model: Model) -> None:
    source = model.sources[1]
    tokens, expected = model.write(source, NUM_TOKENS)
    model.admit(source)
    model.step(feed([tokens[0], 9, 10, 11, 12], 0))
    (second,) = model.step(feed(tokens[1:2], 1))
    assert_alike(second, 0, expected[1])
    (rest,) = model.step(feed(tokens[2:], 2))
    for query in range(NUM_TOKENS - 2):
        assert_alike(rest, query, expected[2 + query])


@pytest.mark.parametrize("width", [2, 3, 5])
def test_a_branch_of_a_tree_is_answered_as_a_row_of_its_own(float_model: Model, width: int) -> None:
    source = float_model.sources[2]
    said, branches = grow_tree(float_model, source, width)
    for index, tokens in enumerate(branches):
        assert_alike(said, index, float_model.say_after(source, tokens))


def test_a_branch_of_a_tree_in_int8_is_answered_within_a_step_of_rounding(
    int8_model: Model,
) -> None:
    """A branch's keys lie between those of others, so its sums end in other last bits.

    In int8 such a bit may carry an activation over to the next of 255 steps.
    """
    source = int8_model.sources[2]
    said, branches = grow_tree(int8_model, source, width=5)
    for index, tokens in enumerate(branches):
        alone = int8_model.say_after(source, tokens)
        assert said.log_probs[index, 0] == pytest.approx(alone.log_probs[0, 0], abs=0.1)


def grow_tree(
    model: Model, source: Sequence[int], width: int
) -> tuple[Outcome, Sequence[Sequence[int]]]:
    """What is said at the leaves of a random tree, and the tokens that lead to each."""
    lane = LaneKey(512, width)
    chance = random.Random(width)  # noqa: S311 - no secret
    model.admit(source, lane=lane)
    # For each branch, its tokens and the slots in which they lie.
    branches: list[tuple[list[int], list[int]]] = [([], [])] * width
    for step in range(4):
        parents = [chance.choice(branches) for _ in range(width)]
        new = [chance.randrange(10, 40) if step else model.start_id for _ in range(width)]
        (said,) = model.step(
            Proposal(
                new, step * width, [step] * width, [()] * width, [slots for _, slots in parents]
            ),
            lane=lane,
        )
        branches = [
            ([*tokens, token], [*slots, step * width + index])
            for index, ((tokens, slots), token) in enumerate(zip(parents, new, strict=True))
        ]
    return said, [tokens for tokens, _ in branches]


def test_rows_of_a_wide_lane_keep_their_trees_apart(float_model: Model) -> None:
    model = float_model
    lane = LaneKey(512, 2)
    model.admit(*model.sources[:3], lane=lane)
    start = Proposal([model.start_id] * 2, 0, [0] * 2, [()] * 2, [(), ()])
    model.step(start, start, start, lane=lane)
    # In every row, both branches go on from another one of the first two slots.
    trees = [[(0,), (1,)], [(1,), (1,)], [(1,), (0,)]]
    tokens = [(11, 12), (13, 14), (15, 16)]
    said = model.step(
        *(
            Proposal(list(pair), 2, [1] * 2, [()] * 2, tree)
            for pair, tree in zip(tokens, trees, strict=True)
        ),
        lane=lane,
    )
    for row, source in enumerate(model.sources[:3]):
        for branch in range(2):
            expected = model.say_after(source, [model.start_id, tokens[row][branch]])
            assert_alike(said[row], branch, expected)


def test_what_pads_a_row_changes_nothing_for_its_neighbours(model: Model) -> None:
    first, second = model.sources[:2]
    tokens, expected = model.write(second, LONG)
    start = [model.start_id, 20, 21, 22, 23]

    def say_beside(count: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        model.admit(first, second)
        _, said = model.step(feed(start[:count], 0), feed(tokens, 0))
        for query in range(LONG):
            assert_alike(said, query, expected[query])
        return [said.token_ids, said.log_probs]

    beside_short, beside_long = say_beside(SHORT), say_beside(LONG)
    for a, b in zip(beside_short, beside_long, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_row_that_was_padded_goes_on_where_it_was(model: Model) -> None:
    first, second = model.sources[:2]
    short, short_said = model.write(first, 3)
    long, long_said = model.write(second, 3 * LONG)
    model.admit(first, second)
    for step in range(3):
        pieces = long[step * LONG : (step + 1) * LONG]
        a, b = model.step(feed(short[step : step + 1], step), feed(pieces, step * LONG))
        assert_alike(a, 0, short_said[step])
        assert_alike(b, LONG - 1, long_said[(step + 1) * LONG - 1])


def test_a_row_that_stands_at_the_last_place_may_be_padded(model: Model) -> None:
    last = model.bundle.manifest.geometry.max_positions - 1
    model.admit(*model.sources[:2])
    alone, _ = model.step(feed([9], last), feed([9], 0))
    padded, _ = model.step(feed([9], last), feed([9] * LONG, 0))
    assert_alike(padded, 0, alone)


def test_a_neighbour_that_wants_scores_changes_nothing(model: Model) -> None:
    model.admit(*model.sources[:2])
    start = [model.start_id]
    plain, _ = model.step(feed(start, 0), feed(start, 0))
    beside, scored = model.step(feed(start, 0), feed(start, 0, wants_scores=True))
    assert_alike(beside, 0, plain)
    assert beside.scores is None
    assert scored.scores is not None


@pytest.mark.parametrize("count", [1, 3])
def test_the_candidates_are_those_that_score_best(model: Model, count: int) -> None:
    tokens, _ = model.write(model.sources[0], count)
    model.admit(model.sources[0])
    excluded = (4, 7, 30)
    (said,) = model.step(feed(tokens, 0, excluded=excluded, wants_scores=True))
    assert said.scores is not None
    assert said.scores.shape == (count, model.bundle.manifest.geometry.vocab_size)
    for query in range(count):
        scores = said.scores[query].astype(np.float64)
        log_probs = scores - np.log(np.exp(scores - scores.max()).sum()) - scores.max()
        best = said.token_ids[query]
        log_prob = said.log_probs[query]
        # Whoever is as good as impossible is cut off at 1e-30 before its logarithm is taken.
        is_likely = log_prob > -50
        np.testing.assert_allclose(log_probs[best][is_likely], log_prob[is_likely], atol=1e-4)
        allowed = np.delete(np.arange(len(scores)), excluded)
        assert not set(best[is_likely].tolist()) & set(excluded)
        assert log_probs[allowed].max() == pytest.approx(log_prob[0], abs=1e-4)
        assert (np.diff(log_prob) <= 0).all()


def test_what_a_step_excludes_may_be_chosen_at_the_next(model: Model) -> None:
    model.admit(model.sources[0])

    def best(*excluded: int) -> int:
        (said,) = model.step(feed([model.start_id], 0, excluded=excluded))
        return int(said.token_ids[0, 0])

    favourite = best()
    assert best(favourite) != favourite
    # More than fit the first binding.
    assert best(*range(3, 30), favourite) != favourite
    assert best() == favourite


def test_every_token_of_a_step_excludes_its_own(model: Model) -> None:
    tokens, _ = model.write(model.sources[0], 3)
    model.admit(model.sources[0])
    (free,) = model.step(feed(tokens, 0))
    favourites = free.token_ids[:, 0].tolist()
    excluded = [(), (favourites[1],), ()]
    (said,) = model.step(Proposal(tokens, 0, range(3), excluded))
    assert said.token_ids[0, 0] == favourites[0]
    assert said.token_ids[1, 0] == free.token_ids[1, 1]
    assert said.token_ids[2, 0] == favourites[2]


def test_a_lane_that_grows_keeps_what_was_written(model: Model) -> None:
    tokens, expected = model.write(model.sources[3], 50)
    model.admit(model.sources[3])
    for slot in range(0, 50, LONG):
        (said,) = model.step(feed(tokens[slot : slot + LONG], slot), lane=NARROW)
        assert_alike(said, LONG - 1, expected[slot + LONG - 1])
