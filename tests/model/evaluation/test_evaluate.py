"""Summarisers side by side: who is measured, compared and grouped how."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from model.data.records import Record
from model.evaluation.evaluate import difference_of, evaluate, mean_of
from model.evaluation.measures import MEASURES, measure
from model.evaluation.report import as_dict, tables
from model.evaluation.rule import max_summary_tokens, read_repetition
from tests.model.evaluation.records import make_record


@dataclass
class Fixed:
    """Says the same of every document."""

    name: str
    says: str
    asked: list[Record] = field(default_factory=list)

    def summarise(self, records: Sequence[Record], progress: bool = True) -> list[str]:
        self.asked += records
        return [self.says] * len(records)


def test_every_measure_of_a_summary_against_counts_by_hand() -> None:
    record = make_record(document="In 2020 Ada wrote ten programs.", summary="Ada wrote programs")
    measured = measure(record, "So Ada wrote 11 programs in 2020").as_dict()
    assert list(measured) == list(MEASURES)
    assert measured["rouge1"] == pytest.approx(100 * 2 * 3 / (3 + 7))
    assert measured["length"] == 7
    assert measured["length_ratio"] == pytest.approx(100 * 7 / 3)
    assert measured["novelty_1"] == pytest.approx(100 * 2 / 7)
    assert measured["coverage"] == pytest.approx(100 * 5 / 7)
    assert measured["density"] == pytest.approx((4 + 1 + 4) / 7)
    assert measured["repetition_1"] == 0
    assert measured["unknown_words"] == pytest.approx(1000 / 5)  # "so"
    assert measured["supported_numbers"] == 50
    assert measured["supported_names"] == 100


def test_any_two_summarisers_can_be_compared() -> None:
    records = [make_record(id="1", summary="a cat"), make_record(id="2", summary="a dog")]
    right, wrong = Fixed("right", "a cat"), Fixed("wrong", "no")
    evaluation = evaluate(records, [right], [wrong], progress=False)
    assert right.asked == wrong.asked == records
    (ours,), (theirs,) = evaluation.systems, evaluation.baselines
    assert mean_of(ours, [0, 1])["rouge1"].value == 75
    gain = difference_of(ours, theirs, [0, 1])["rouge1"]
    assert (gain.value, gain.low, gain.high) == (75, 50, 100)


def test_all_are_compared_with_the_first_baseline_and_systems_with_the_first() -> None:
    systems = [Fixed("a", "x"), Fixed("b", "x")]
    baselines = [Fixed("lead", "x"), Fixed("textrank", "x")]
    evaluation = evaluate([make_record()], systems, baselines, progress=False)
    compared = [
        (scored.name, anchor.name)
        for anchor in evaluation.anchors
        for scored in evaluation.everything
        if evaluation.compares(scored, anchor)
    ]
    assert compared == [("a", "lead"), ("b", "lead"), ("textrank", "lead"), ("b", "a")]
    assert evaluate([make_record()], systems[:1], progress=False).anchors == []


def test_records_of_several_kinds_are_also_told_apart() -> None:
    records = [
        make_record(set="x"),
        make_record(set="x", lang="zh"),
        make_record(set="x", lang="zh"),
    ]
    evaluation = evaluate(records, [Fixed("a", "short")], progress=False)
    assert evaluation.groups() == {
        "all": [0, 1, 2],
        "x, brief, en": [0],
        "x, brief, zh": [1, 2],
    }
    assert list(evaluate(records[:1], [Fixed("a", "x")], progress=False).groups()) == ["all"]


def test_the_tables_are_aligned_markdown_with_a_row_for_each_summariser() -> None:
    evaluation = evaluate(
        [make_record(), make_record(style="headline")],
        [Fixed("ours", "short")],
        [Fixed("lead", "A long document.")],
        progress=False,
    )
    text = tables(evaluation)
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3 * 3  # all, brief, headline
    for block in blocks:
        assert len({len(line) for line in block}) == 1
        assert [line.split()[1] for line in block[2:]] == ["ours", "lead"]
    assert "| ours" in text
    assert "100.0 (100.0 to 100.0)" in text
    assert "+100.0 (+100.0 to +100.0)" in text


def test_the_dictionary_is_strict_json_and_holds_every_summary() -> None:
    evaluation = evaluate([make_record()], [Fixed("ours", "Paris in 2020")], progress=False)
    content = json.loads(json.dumps(as_dict(evaluation, {"data": "x"}), allow_nan=False))
    assert content["recipe"]["data"] == "x"
    assert content["recipe"]["documents"] == 1
    (group,) = content["groups"]
    assert group["means"]["ours"]["rouge1"]["mean"] == 0
    (each,) = content["each"]
    assert each["systems"]["ours"]["summary"] == "Paris in 2020"
    assert each["systems"]["ours"]["unsupported_numbers"] == ["2020"]
    assert each["systems"]["ours"]["supported_names"] is None


def test_words_of_any_record_and_those_that_occur_often_elsewhere_are_known() -> None:
    records = [make_record(document="a cat"), make_record(document="a dog", summary="barks")]
    says = Fixed("ours", "Barks meow grmpf zzz 42")
    others = ["meow, meow", "Meow grmpf", "grmpf"]
    evaluation = evaluate(records, [says], progress=False, other_texts=others)
    (ours,) = evaluation.systems
    assert ours.measured[0].unknown == ("grmpf", "zzz")


def test_of_han_characters_pairs_are_looked_up() -> None:
    record = make_record(document="实际增长", summary="实际", lang="zh")
    assert measure(record, "实际际增长").unknown == ("际际",)


@pytest.mark.parametrize("name", ["tokens-3", "words-4", "none", "words-3+facts", "none+facts"])
def test_a_rule_against_repetition_has_a_name(name: str) -> None:
    assert str(read_repetition(name)) == name


@pytest.mark.parametrize("name", ["tokens", "words-0", "words-x", "3", "", "+facts"])
def test_another_name_of_a_rule_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no rule against repetition: tokens-N, words-N or"):
        read_repetition(name)


@pytest.mark.parametrize(
    ("records", "names", "message"),
    [
        ([], ["a"], "no records"),
        ([make_record()], ["a", "a"], "two summarisers are called a"),
        ([make_record(lang="de")], ["a"], "no scores for lang de; known: en, zh"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_anything_runs(
    records: list[Record], names: list[str], message: str
) -> None:
    systems = [Fixed(name, "x") for name in names]
    with pytest.raises(ValueError, match=message):
        evaluate(records, systems, progress=False)
    assert not any(system.asked for system in systems)


def test_the_rule_gives_chinese_briefs_more_tokens_and_headlines_fewer() -> None:
    assert max_summary_tokens("brief", "en") == 64
    assert max_summary_tokens("brief", "zh") == 80
    assert max_summary_tokens("headline", "en") == max_summary_tokens("headline", "zh") == 32
