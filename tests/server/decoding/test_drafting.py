"""What is guessed from the document, and with how much confidence."""

from hypothesis import given
from hypothesis import strategies as st

from server.decoding.drafting import CopyDrafts, Drafter, LookupDrafts

SOURCE = [20, 21, 22, 23, 21, 24, 1]


def test_where_the_copy_head_looked_at_the_token_written_the_source_goes_on() -> None:
    drafter = CopyDrafts(SOURCE)
    drafter.extend([21], 4, 0.9)
    assert drafter.draft(9) == [24, 1]
    assert drafter.draft(1) == [24]


def test_where_it_looked_at_another_token_nothing_is_guessed() -> None:
    drafter = CopyDrafts(SOURCE)
    drafter.extend([21], 4, 0.9)
    drafter.extend([22], 4, 0.9)
    assert not drafter.draft(9)


def test_where_nobody_knows_where_it_looked_nothing_is_guessed() -> None:
    drafter = CopyDrafts(SOURCE)
    drafter.extend([20, 21], None, None)
    assert not drafter.draft(9)


def test_a_run_that_agrees_with_the_source_is_trusted_more_than_a_single_token() -> None:
    single, run, written_apart = (CopyDrafts(SOURCE) for _ in range(3))
    single.extend([30, 22], 2, 0.9)
    run.extend([21, 22], 2, 0.9)
    written_apart.extend([21], 1, 0.9)
    written_apart.extend([22], 2, 0.9)
    assert single.chances(1) < run.chances(1) == written_apart.chances(1)


def test_a_gate_that_is_open_is_trusted_more_than_one_that_is_shut() -> None:
    shut, opened = CopyDrafts(SOURCE), CopyDrafts(SOURCE)
    shut.extend([22], 2, 0.1)
    opened.extend([22], 2, 0.9)
    assert shut.chances(1) < opened.chances(1)


def test_the_longest_ngram_that_the_source_holds_is_continued() -> None:
    drafter = LookupDrafts([20, 21, 22, 23, 30, 21, 22, 24, 1])
    drafter.extend([20, 21, 22], None, None)
    assert drafter.draft(2) == [23, 30]
    drafter.extend([30, 22], None, None)
    assert drafter.draft(9) == [24, 1]


def test_of_several_places_the_last_is_continued() -> None:
    drafter = LookupDrafts(SOURCE)
    drafter.extend([21], None, None)
    assert drafter.draft(9) == [24, 1]


def test_a_longer_ngram_is_trusted_more() -> None:
    chances = []
    for tokens in ([22], [21, 22], [20, 21, 22]):
        drafter = LookupDrafts(SOURCE)
        drafter.extend(tokens, None, None)
        chances.append(drafter.chances(1)[0])
    assert chances == sorted(set(chances))


def test_what_the_source_does_not_hold_is_not_guessed_nor_what_would_follow_its_end() -> None:
    drafter = LookupDrafts(SOURCE)
    drafter.extend([21, 40], None, None)
    assert not drafter.draft(9)
    drafter.extend([24, 1], None, None)
    assert not drafter.draft(9)


sources = st.lists(st.integers(0, 5), min_size=1, max_size=20)


@given(sources, st.data(), st.sampled_from([CopyDrafts, LookupDrafts]))
def test_guesses_are_a_piece_of_the_source_that_follows_what_was_written(
    source: list[int], data: st.DataObject, kind: type[CopyDrafts] | type[LookupDrafts]
) -> None:
    drafter: Drafter = kind(source)
    for tokens in data.draw(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3))):
        place = data.draw(st.none() | st.integers(0, len(source) - 1))
        drafter.extend(tokens, place, 0.5)
        guesses = list(drafter.draft(3))
        assert len(guesses) <= 3
        piece = [tokens[-1], *guesses]
        starts = range(len(source))
        assert not guesses or any(source[i : i + len(piece)] == piece for i in starts)
        drafter.learn(len(guesses), data.draw(st.integers(0, len(guesses))))
