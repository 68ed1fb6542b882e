"""Every way of decoding, on exported graphs, comes to what the oracles in PyTorch come to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from bundle.load import Bundle
from model.checkpoints.checkpoint import load_checkpoint
from model.decoding.beam import beam_search
from model.decoding.decoding_options import BeamOptions, GreedyOptions
from model.decoding.generate import greedy
from server.decoding.beams import BeamSearch
from server.decoding.choose import make_strategy
from server.decoding.greedy import Greedy
from server.decoding.strategy import Hypothesis, Strategy
from server.engine import engine as engine_module
from server.engine.request import Finished
from server.runtime.ort_runner import OrtRunner
from server.types import DecodingOptions, FinishReason
from tests.export.family_bundles import FamilyBundle
from tests.export.serving import DOCUMENTS, serve, sources_of
from tests.fakes.greedy_oracle import Prophet, model_score

RULES = {
    "max_tokens": 20,
    "min_tokens": 3,
    "no_repeat_ngram_size": 3,
    "no_repeat_word_ngram_size": 2,
}
# Names and numbers are checked too: steps that do not tell which token is allowed are run again.
FACTS = {**RULES, "only_source_facts": True}
BEAMS = (2, 3, 4)
MOST_SCORES_DIFFER = 1e-4


@dataclass(frozen=True)
class Case:
    """What should come out, and what should come to it."""

    name: str
    source: Sequence[int]
    make_strategy: Callable[[], Strategy]
    expected: Sequence[Hypothesis]


@dataclass(frozen=True)
class Served:
    """A bundle, ready to run."""

    runner: OrtRunner
    cases: Sequence[Case]
    cases_of_facts: Sequence[Case]


@pytest.fixture(scope="module", params=["pegasus", "t5", "bart, copying"])
def served(request: pytest.FixtureRequest, family_bundle: Callable[[str], FamilyBundle]) -> Served:
    made = family_bundle(request.param)
    most = len(DOCUMENTS)
    cases = [*_greedy_cases(made, RULES, most), *_beam_cases(made, RULES, most)]
    # Few documents, because the oracle is slow.
    cases_of_facts = [*_greedy_cases(made, FACTS, 2), *_beam_cases(made, FACTS, 1)]
    summaries = {tuple(case.expected[0].tokens) for case in cases}
    assert len(summaries) > len(DOCUMENTS), "they depend on the document and on the way of decoding"
    return Served(OrtRunner(made.bundle, threads=1), cases, cases_of_facts)


@pytest.fixture(autouse=True)
def _whatever_may_be_drafted_is_drafted(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the steps of this machine take."""
    monkeypatch.setattr(engine_module, "best_draft", lambda outlooks, cost: max(map(len, outlooks)))


def test_alone_every_document_is_summarised_as_the_oracle_does(served: Served) -> None:
    for case in (*served.cases, *served.cases_of_facts):
        _check(case, *serve(served.runner, [(case.source, case.make_strategy())]))


def test_in_a_crowd_that_comes_and_goes_they_are_summarised_the_same(served: Served) -> None:
    cases = (*served.cases, *served.cases_of_facts)
    jobs = [(case.source, case.make_strategy()) for case in cases]
    arrivals = [7 * index % 31 for index in range(len(jobs))]
    for case, finished in zip(cases, serve(served.runner, jobs, arrivals), strict=True):
        _check(case, finished)


def test_right_guesses_save_steps_and_wrong_ones_cost_none(served: Served) -> None:
    for case in served.cases:
        (finished,) = serve(served.runner, [(case.source, case.make_strategy())])
        longest = len(case.expected[0].tokens) + 1
        if case.name == "prophet":
            assert finished.steps <= longest / 2
        assert finished.steps <= max(longest, RULES["max_tokens"])


def _check(case: Case, finished: Finished) -> None:
    found = [(list(one.tokens), one.reason) for one in finished.hypotheses]
    assert found == [(list(one.tokens), one.reason) for one in case.expected], case.name
    scores = [one.score for one in finished.hypotheses]
    expected = [one.score for one in case.expected]
    assert scores == pytest.approx(expected, abs=MOST_SCORES_DIFFER), case.name


def _greedy_cases(made: FamilyBundle, rules: Mapping[str, Any], most: int) -> list[Case]:
    model = load_checkpoint(made.checkpoint)
    special = made.bundle.manifest.special_tokens
    options = DecodingOptions(**rules)
    spelling = made.bundle.tokenizer.spelling
    cases = []
    for source in sources_of(made.bundle)[:most]:
        oracle = greedy(model, source, GreedyOptions(**rules, **_forced(made.bundle)))
        hypothesis = Hypothesis(
            _without_end(oracle.tokens, made.bundle),
            FinishReason(oracle.finish_reason),
            model_score(oracle, special, options),
        )
        choose = partial(
            make_strategy,
            options,
            special,
            source,
            geometry=made.bundle.manifest.geometry,
            spelling=spelling,
        )
        makers: dict[str, Callable[[], Strategy]] = {
            "no drafts": partial(choose, speculation=False),
            "drafts from the source": partial(choose, speculation=True),
            "prophet": lambda tokens=oracle.tokens, source=source: Greedy(
                options, special, Prophet(tokens), spelling=spelling, source_ids=source
            ),
            "prophet, sometimes wrong": lambda tokens=oracle.tokens, source=source: Greedy(
                options,
                special,
                Prophet(tokens, wrong_places={1, 4, 5, 11}, wrong_token=9),
                spelling=spelling,
                source_ids=source,
            ),
        }
        cases += [Case(name, source, make, [hypothesis]) for name, make in makers.items()]
    return cases


def _beam_cases(made: FamilyBundle, rules: Mapping[str, Any], most: int) -> list[Case]:
    model = load_checkpoint(made.checkpoint)
    special = made.bundle.manifest.special_tokens
    cases = []
    for index, source in enumerate(sources_of(made.bundle)[:most]):
        num_beams = BEAMS[index % len(BEAMS)]
        search = {"num_beams": num_beams, "length_penalty": (0.0, 1.0, 2.0)[index % 3]}
        found = beam_search(model, source, BeamOptions(**rules, **search, **_forced(made.bundle)))
        expected = [
            Hypothesis(
                _without_end(one.tokens, made.bundle), FinishReason(one.finish_reason), one.score
            )
            for one in found
        ]
        options = DecodingOptions(**rules, **search, num_summaries=num_beams)
        make = partial(
            BeamSearch,
            options,
            special,
            model.config.vocabulary_size,
            spelling=made.bundle.tokenizer.spelling,
            source_ids=source,
        )
        cases.append(Case(f"{num_beams} beams", source, make, expected))
    return cases


def _forced(bundle: Bundle) -> dict[str, object]:
    special = bundle.manifest.special_tokens
    return {
        "spelling": bundle.tokenizer.spelling,
        "banned_ids": special.never_emitted_ids,
        "forced_first": special.forced_first_id,
        "forced_last": special.forced_last_id,
    }


def _without_end(tokens: Sequence[int], bundle: Bundle) -> list[int]:
    return [token for token in tokens if token != bundle.manifest.special_tokens.end_id]
