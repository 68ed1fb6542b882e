"""The cache keeps within its bound and forgets what was asked for longest ago."""

import tracemalloc
from collections import OrderedDict
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from server.jobs.answer import Answer
from server.jobs.job import JobKey
from server.sharing.observer import SilentSharingObserver
from server.sharing.result_cache import ENTRY_OVERHEAD_BYTES, ResultCache, entry_bytes
from server.types import (
    Alternative,
    Attribution,
    AttributionKind,
    Decoding,
    DecodingOptions,
    FinishReason,
    Method,
    SourceSpan,
    TextSpan,
)


def make_key(number: int, prefix: str = "") -> JobKey:
    options = DecodingOptions(max_tokens=8)
    return JobKey("ab", "brief", options, prefix, (), bytes([number]))


def make_answer(text: str, *alternatives: str) -> Answer:
    return Answer(
        text=text,
        finish_reason=FinishReason.STOP,
        source_tokens=1,
        summary_tokens=1,
        windows=1,
        alternatives=tuple(
            Alternative(text=each, score=0, finish_reason=FinishReason.STOP, summary_tokens=1)
            for each in alternatives
        ),
        decoding=Decoding(method=Method.GREEDY, steps=1, drafted_tokens=0, accepted_tokens=0),
        seed=None,
    )


class Evictions(SilentSharingObserver):
    def __init__(self) -> None:
        self.count = 0
        self.holds = (0, 0)

    def cache_evicted(self) -> None:
        self.count += 1

    def cache_holds(self, *, entries: int, size_bytes: int) -> None:
        self.holds = (entries, size_bytes)


calls = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 6000)), max_size=40)


@given(max_bytes=st.integers(0, 12_000), calls=calls)
def test_it_never_holds_more_than_its_bound_and_what_it_holds_was_asked_for_last(
    max_bytes: int, calls: list[tuple[bool, int, int]]
) -> None:
    observer = Evictions()
    cache = ResultCache(max_bytes, observer)
    expected: OrderedDict[int, Answer] = OrderedDict()
    for puts, number, length in calls:
        key = make_key(number)
        if not puts:
            assert cache.get(key) is expected.get(number)
            if number in expected:
                expected.move_to_end(number)
            continue
        answer = make_answer("x" * length)
        cache.put(key, answer)
        if entry_bytes(key, answer) <= max_bytes:
            expected.pop(number, None)
            expected[number] = answer
            while sum(entry_bytes(make_key(n), a) for n, a in expected.items()) > max_bytes:
                expected.popitem(last=False)
        held = sum(entry_bytes(make_key(n), a) for n, a in expected.items())
        assert cache.size_bytes == held <= max_bytes
        assert observer.holds == (len(expected), held)
    assert [cache.get(make_key(n)) for n in range(6)] == [expected.get(n) for n in range(6)]


def test_what_makes_room_is_counted() -> None:
    observer = Evictions()
    cache = ResultCache(2 * (ENTRY_OVERHEAD_BYTES + 200), observer)
    for number in range(5):
        cache.put(make_key(number), make_answer(""))
    assert (len(cache), observer.count) == (2, 3)


def test_every_text_that_is_kept_counts() -> None:
    plain = entry_bytes(make_key(0), make_answer("text"))
    assert entry_bytes(make_key(0, prefix="p" * 1000), make_answer("text")) >= plain + 1000
    assert entry_bytes(make_key(0), make_answer("text", "a" * 1000)) >= plain + 1000


def test_attributions_count_for_what_they_take() -> None:
    def parts(number: int) -> tuple[Attribution, ...]:
        return tuple(
            Attribution(
                TextSpan(1000 + each, 2000 + each),
                tuple(SourceSpan(TextSpan(3000 + each, 4000 + n), each / 3) for n in range(2)),
                AttributionKind.COPIED,
            )
            for each in range(number)
        )

    tracemalloc.start()
    held = parts(1000)
    size_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = replace(make_answer("text"), attributions=held).size_bytes
    assert size_bytes <= told - make_answer("text").size_bytes <= 1.5 * size_bytes


def test_a_result_beyond_the_whole_bound_is_not_kept_and_evicts_nobody() -> None:
    cache = ResultCache(ENTRY_OVERHEAD_BYTES + 500)
    cache.put(make_key(0), make_answer("small"))
    cache.put(make_key(1), make_answer("x" * 1000))
    assert cache.get(make_key(0)) is not None
    assert cache.get(make_key(1)) is None
