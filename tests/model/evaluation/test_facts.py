"""Numbers by value and names by their letters, whatever way they are written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluation.facts import Number, compare_facts, names_claimed, numbers_claimed


def unsupported(document: str, summary: str, lang: str = "en") -> list[str]:
    facts = compare_facts(document, summary, lang)
    return [*facts.unsupported_numbers, *facts.unsupported_names]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,000 or 1000.0", ["1000", "1000"]),
        ("5 %, 5%, 5 percent, five per cent, \uff15\uff05", ["5%"] * 5),
        ("百分之5", ["5%"]),
        ("two million, 2M parameters, 1.5k-scale", ["2000000", "2000000", "1500"]),
        ("1.2 万 and 3亿", ["12000", "300000000"]),
        ("二十五、十五、三千、一百零五、两万零三十", ["25", "15", "3000", "105", "20030"]),
        ("3万5千人，3万亿，1亿2千万，1,200万", ["35000", "3000000000000", "120000000", "12000000"]),
        ("百分之五，百分之二十五，百分之十", ["5%", "25%", "10%"]),
        ("十分，万一，千万，一般，第3 十大", ["3"]),
        ("3万5万，二三十", ["30000", "50000", "30"]),
        ("twenty-five of Ninety", ["25", "90"]),
        ("one of the best, someone", []),
        ("GPT-4, v2.1, a 3D model, B52", []),
        ("2019-2020, 10x, 3rd", ["2019", "2020", "10", "3"]),
        ("1,2,3", ["1", "2", "3"]),
    ],
)
def test_numbers_are_read_by_their_value(text: str, values: list[str]) -> None:
    assert [str(number) for number in numbers_claimed(text)] == values


@given(st.integers(0, 10**12))
def test_a_number_is_the_same_with_and_without_separators(value: int) -> None:
    (plain,), (grouped,) = numbers_claimed(f"{value}"), numbers_claimed(f"{value:,}")
    assert plain == grouped == Number(Decimal(value))


@pytest.mark.parametrize(
    ("text", "lang", "names"),
    [
        ("The model beats BERT in Paris.", "en", ["BERT", "Paris"]),
        ("Models win. Paris loses: London too.", "en", []),
        ("FlickCD detects. GPT-4 does not.", "en", ["FlickCD", "GPT-4"]),
        ("A Modular Framework for Testing LLMs", "en", ["LLMs"]),
        ("Here I met Alice's cat.", "en", ["Alice"]),
        ("Bert模型在Paris上", "zh", ["Bert", "Paris"]),
        ("a 7B model of 1.7M paths, 180K-scale, in 3D", "en", ["3D"]),
    ],
)
def test_names_are_words_whose_capital_says_something(
    text: str, lang: str, names: list[str]
) -> None:
    assert names_claimed(text, lang) == names


def test_what_the_document_lacks_is_named() -> None:
    document = "We train GPT-4 on 1,000 images in Paris; accuracy rises by two points."
    assert unsupported(document, "Trained on 1000 images, GPT4 gains 2 points in Paris.") == []
    assert unsupported(document, "Trained on 1001 images, GPT-5 gains 2 % in London.") == [
        "1001",
        "2%",
        "GPT-5",
        "London",
    ]


def test_a_document_vouches_for_more_than_a_summary_claims() -> None:
    assert unsupported("one model of the paris-based team", "It is 1 model from Paris.") == []
    assert unsupported("两个模型", "共2个模型", "zh") == []
    assert unsupported("an LLM and deep nets", "They use LLMs and Deep-Nets.") == []


def spell(value: int) -> str:
    """A number from 1 to 10^12 - 1 in Chinese numerals: 10,020 is 一万零二十."""
    for unit, sign in ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if value >= unit:
            times, rest = divmod(value, unit)
            gap = "零" if 0 < rest < unit // 10 else ""
            return spell(times) + sign + gap + (spell(rest) if rest else "")
    return "零一二三四五六七八九"[value]


@given(st.integers(11, 10**12 - 1))
def test_a_chinese_numeral_is_the_number_that_it_spells(value: int) -> None:
    assert numbers_claimed(f"共{spell(value)}人") == [Number(Decimal(value))]
    assert unsupported(f"共{spell(value)}人", f"{value}人", "zh") == []


def test_a_summary_that_claims_nothing_has_nothing_to_support() -> None:
    facts = compare_facts("a document", "a summary", "en")
    assert (facts.numbers, facts.names) == (0, 0)


@given(st.text(alphabet="aBz19 .,-%'一二百千", max_size=40), st.sampled_from(["en", "zh"]))
def test_a_document_supports_itself(text: str, lang: str) -> None:
    assert unsupported(text, text, lang) == []
