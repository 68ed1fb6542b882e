"""Whatever comes, goes or is cancelled, every row writes what it would alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from server.decoding.beams import BeamSearch
from server.decoding.drafting import CopyDrafts, LookupDrafts
from server.decoding.greedy import Greedy
from server.decoding.sampling import Sampling
from server.decoding.strategy import Hypothesis, Strategy
from server.engine.admission import Batching
from server.engine.request import Event, Finished, Written
from server.types import DecodingOptions
from tests.fakes.spelling import TINY_SPELLING
from tests.server.engine.scripted import (
    LANES,
    SPECIAL,
    ScriptedRunner,
    make_engine,
    make_request,
    run,
)
from tests.server.engine.scripted_device import Draft, copied_draft, no_draft
from tests.server.engine.scripted_model import VOCABULARY, make_source

WAYS = ("greedy", "copied drafts", "looked up drafts", "prefix", "sampling", "samples", "beams")
requests = st.lists(
    st.tuples(
        st.sampled_from(WAYS),
        st.integers(1, max(LANES)),  # source length
        st.integers(0, 30),  # step at which it arrives
        st.one_of(st.none(), st.integers(0, 40)),  # step at which it is cancelled
    ),
    max_size=16,
)


def make_strategy(way: str, source: tuple[int, ...], seed: int) -> Strategy:
    facts = {"only_source_facts": seed % 2 == 1}
    knows = {"spelling": TINY_SPELLING, "source_ids": source}
    if way == "beams":
        options = DecodingOptions(
            max_tokens=14, num_beams=2 + seed % 3, no_repeat_word_ngram_size=2, **facts
        )
        return BeamSearch(options, SPECIAL, VOCABULARY, **knows)
    if way in ("sampling", "samples"):
        count = 3 if way == "samples" else 1
        options = DecodingOptions(
            max_tokens=14, temperature=0.8, seed=seed, num_summaries=count, **facts
        )
        return Sampling(options, SPECIAL, VOCABULARY, **knows)
    prefix = (20, 21, 22) if way == "prefix" else ()
    options = DecodingOptions(
        max_tokens=14,
        no_repeat_ngram_size=3,
        no_repeat_word_ngram_size=2,
        prefix_ids=prefix,
        **facts,
    )
    drafters = {"copied drafts": CopyDrafts, "looked up drafts": LookupDrafts}
    drafter = drafters[way](source) if way in drafters else None
    return Greedy(options, SPECIAL, drafter, **knows)


def told(events: list[Event]) -> dict[int, tuple[list[Hypothesis], list[int]]]:
    """The hypotheses of every request that finished, and the tokens told of it on the way."""
    return {
        event.request_id: (
            list(event.hypotheses),
            [
                token
                for each in events
                if isinstance(each, Written) and each.request_id == event.request_id
                for token in each.tokens
            ],
        )
        for event in events
        if isinstance(event, Finished)
    }


@settings(max_examples=60)
@given(
    arrivals=requests,
    max_rows=st.integers(1, 6),
    budget=st.integers(1, 64),
    batching=st.sampled_from(list(Batching)),
    slices_encoding=st.booleans(),
    joins_at_once=st.booleans(),
    token_s=st.sampled_from([0.0, 0.1, 1.0]),
    most_steps_ahead=st.sampled_from([0, 0, 3, 8]),
    draft=st.sampled_from([no_draft, copied_draft(3)]),
    encode_s=st.sampled_from([0.0, 0.0, 2.5]),
)
def test_whatever_comes_and_goes_every_row_writes_what_it_would_alone(
    arrivals: list[tuple[str, int, int, int | None]],
    max_rows: int,
    budget: int,
    batching: Batching,
    slices_encoding: bool,
    joins_at_once: bool,
    token_s: float,
    most_steps_ahead: int,
    draft: Draft,
    encode_s: float,
) -> None:
    runner = ScriptedRunner(
        step_s=lambda rows, tokens: 1 + token_s * rows * (tokens - 1),
        most_steps_ahead=most_steps_ahead,
        draft=draft,
        encode_s=encode_s,
    )
    engine = make_engine(
        runner,
        max_rows=max_rows,
        max_encode_tokens=budget,
        batching=batching,
        slices_encoding=slices_encoding,
        joins_at_once=joins_at_once,
    )
    sources = [make_source(i, length) for i, (_, length, _, _) in enumerate(arrivals)]
    events: list[Event] = []
    for step in range(42):
        for i, (way, _, arrives, cancelled) in enumerate(arrivals):
            if arrives == step:
                strategy = make_strategy(way, sources[i], i)
                request = make_request(i, sources[i], strategy=strategy, wants_tokens=True)
                engine.submit(request)
            if cancelled == step:
                engine.cancel(i)
        events += engine.step()
        assert engine.scheduler.num_running <= max_rows
    events += run(engine)

    outcome = told(events)
    for i, found in outcome.items():
        alone = make_engine(ScriptedRunner(), most_drafted=0)
        strategy = make_strategy(arrivals[i][0], sources[i], i)
        alone.submit(make_request(0, sources[i], strategy=strategy, wants_tokens=True))
        assert found == told(run(alone))[0]
        hypotheses, written = found
        assert written == list(hypotheses[0].tokens)
    never_cancelled = {
        i
        for i, (_, _, arrives, cancelled) in enumerate(arrivals)
        if cancelled is None or cancelled < arrives
    }
    assert never_cancelled <= outcome.keys()
    assert engine.scheduler.num_running == engine.scheduler.num_waiting == 0
