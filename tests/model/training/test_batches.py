"""Batches: within the budget, little padding, every example, and the same again after a resume."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.training.batches import IGNORED, BatchStream, collate, sorted_batches
from model.training.examples import Example
from tests.model.training.builders import make_examples

LENGTHS = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 10)), min_size=1, max_size=60)


def make_stream(seed: int = 1, pool: int = 3) -> BatchStream:
    sources = [
        make_examples([(3 + number % 20, 2 + number % 5) for number in range(50)], "a"),
        make_examples([(10, 4)] * 20, "b"),
    ]
    return BatchStream(sources, lambda progress: [1 - progress, progress], 120, pool, seed)


def ids(batches: list[list[Example]]) -> list[list[str]]:
    return [[example.id for example in batch] for batch in batches]


def test_padding_is_known_by_lengths_and_ignored_targets() -> None:
    batch = collate(
        [Example("a", [5, 6, 7], [8, 1]), Example("b", [5], [9, 9, 9, 1])], pad_id=0, start_id=3
    )
    assert batch.source.tolist() == [[5, 6, 7], [5, 0, 0]]
    assert batch.source_lengths.tolist() == [3, 1]
    assert batch.target_in.tolist() == [[3, 8, 0, 0], [3, 9, 9, 9]]
    assert batch.target_out.tolist() == [[8, 1, IGNORED, IGNORED], [9, 9, 9, 1]]
    assert batch.target_tokens == 6
    assert batch.to(torch.device("cpu")) is batch


@given(LENGTHS, st.integers(40, 200))
def test_batches_hold_everything_once_and_keep_to_the_budget(
    lengths: list[tuple[int, int]], tokens: int
) -> None:
    batches = list(sorted_batches(lengths, tokens))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = [max(lengths[index][side] for index in batch) for side in (0, 1)]
        assert len(batch) * sum(longest) <= tokens


@settings(max_examples=25)
@given(st.integers(0, 40), st.integers(1, 4), st.integers(0, 3))
def test_a_restored_stream_goes_on_with_the_very_same_batches(
    taken: int, pool: int, seed: int
) -> None:
    stream = make_stream(seed, pool)
    for step in range(taken):
        stream.next(progress=step / 80)
    state = stream.state()
    expected = [stream.next(progress=(taken + step) / 80) for step in range(20)]

    restored = make_stream(seed, pool)
    restored.restore(state)
    assert [restored.next(progress=(taken + step) / 80) for step in range(20)] == expected


def test_every_example_comes_as_often_as_any_other() -> None:
    stream = make_stream()
    seen: Counter[str] = Counter()
    for _ in range(120):
        seen.update(example.id for example in stream.next(progress=0.0))
    assert len(seen) == 50
    # One more or less for the epoch under way, and one since a pool is handed out in any order.
    assert max(seen.values()) - min(seen.values()) <= 2


def test_the_mixture_follows_the_progress() -> None:
    stream = make_stream()
    first = [example.id[0] for _ in range(3) for example in stream.next(0.0)]
    for _ in range(5):
        stream.next(1.0)  # whatever of the first pool is left, and then the second
    last = [example.id[0] for _ in range(5) for example in stream.next(1.0)]
    assert set(first) == {"a"}
    assert set(last) == {"b"}


def test_another_seed_is_another_order() -> None:
    orders = [ids([make_stream(seed).next(0.0) for _ in range(1)]) for seed in (1, 2)]
    assert orders[0] != orders[1]


def test_examples_come_out_of_their_arrays_as_they_went_in() -> None:
    examples = make_examples([(3, 2), (1, 5)])
    assert [len(example.source) for example in examples] == [3, 1]
    assert examples[1] == Example("1", [9], [10] * 5)
    assert len(examples) == 2


@pytest.mark.parametrize("other", [[(3, 2), (1, 4)], [(2, 3), (1, 5)], [(3, 2)]])
def test_other_data_has_another_fingerprint(other: list[tuple[int, int]]) -> None:
    assert make_examples([(3, 2), (1, 5)]).fingerprint() != make_examples(other).fingerprint()


def test_a_share_of_sources_stands_anywhere_below_the_last_place() -> None:
    batch = collate([Example("a", [5] * 6, [1])] * 400, pad_id=0, start_id=0)
    torch.manual_seed(0)
    start = batch.shifted(0.5, 16).start
    assert start.min() == 0
    assert start.max() == 10  # its last token is then at place 15
    assert 0.4 < (start > 0).float().mean() < 0.55
    assert batch.shifted(0.5, 6).start.max() == 0
