"""Which documents are named as in a language that the model does not know."""

import json
from pathlib import Path

import pytest

from server.text.language import foreign_language, language_warnings
from server.types import SummaryWarning, WarningCode

ROOT = Path(__file__).parent.parent.parent.parent
# A paragraph in each of many languages, about a bridge that is closed for repairs.
PARAGRAPHS: dict[str, str] = json.loads(
    (Path(__file__).parent / "paragraphs.json").read_text("utf-8")
)
OURS = ("en", "zh")
CODE = """
def main(argv: list[str] | None = None) -> int:
    for index, value in enumerate(sys.argv[1:]):
        if not value.isdecimal(): raise ValueError(f"argument {index}: {value!r}")
        total += int(value); print("der und das", file=sys.stderr)
    return os.EX_OK if total else os.EX_DATAERR
"""
SURE_OF_NOTHING = [
    "Straße der Republik",
    "Museo de la Naturaleza y el Hombre, Santa Cruz de Tenerife",
    "Der Stadtrat und die Bürger haben gewählt.",
    "Charles de Gaulle, Simone de Beauvoir, Honoré de Balzac, Jean de La Fontaine, Guy de "
    "Maupassant, Alexis de Tocqueville, Pierre de Fermat, Blaise Pascal, Olympe de Gouges",
    "Rio de Janeiro 6,7 | São Paulo 12,3 | Belo Horizonte 2,7 | Porto Alegre 1,5 | Recife 1,6 | "
    "Curitiba 1,9 | Manaus 2,1 | Belém 1,5 | Goiânia 1,5 | Guarulhos 1,4 | Campinas 1,2",
    CODE * 3,
    "β and δ are angles, Ω(n) = λ·Σ μᵢ and Δx ≤ ε for every θ in Θ",
    "a1b2c3d4 " * 40,
    "12:30 13:45 17:10 → ± % § " * 20,
    "🙂" * 100,
]


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_a_language_that_the_model_does_not_know_is_named(language: str) -> None:
    assert foreign_language(PARAGRAPHS[language], OURS) == language


@pytest.mark.parametrize(
    ("language", "tag"),
    [
        ("German", "de-AT"),
        ("French", "fr_XX"),
        ("Danish or Norwegian", "da"),
        ("Indonesian or Malay", "ms"),
        ("Japanese", "ja"),
        ("Cyrillic script", "uk"),
        ("Arabic script", "fa"),
    ],
)
def test_a_language_that_the_model_lists_is_not_warned_of(language: str, tag: str) -> None:
    assert foreign_language(PARAGRAPHS[language], ("en", tag)) is None


def test_a_model_without_our_languages_warns_of_them() -> None:
    english = (ROOT / "examples" / "arxiv_en.txt").read_text("utf-8")
    chinese = (ROOT / "examples" / "arxiv_zh.txt").read_text("utf-8")
    assert foreign_language(english, ("de",)) == "English"
    assert foreign_language(chinese, ("de",)) == "Chinese characters"


@pytest.mark.parametrize("languages", [(), ("und",), ("en", "mul")])
def test_a_model_that_does_not_say_its_languages_warns_of_nothing(languages: tuple[str]) -> None:
    assert foreign_language(PARAGRAPHS["German"], languages) is None


@pytest.mark.parametrize("text", SURE_OF_NOTHING, ids=range(len(SURE_OF_NOTHING)))
def test_titles_names_tables_and_code_are_not_taken_for_a_language(text: str) -> None:
    assert foreign_language(text, OURS) is None


def test_chinese_with_a_japanese_name_in_it_is_chinese() -> None:
    text = (
        "任天堂的《ゼルダの伝説》系列在全球取得了巨大的成功，被认为是电子游戏史上最重要的作品之一。"
        * 2
    )
    assert foreign_language(text, OURS) is None


def test_english_that_quotes_another_language_is_english() -> None:
    quotes = PARAGRAPHS["German"] + (ROOT / "examples" / "arxiv_en.txt").read_text("utf-8")
    assert foreign_language(quotes, OURS) is None


def test_english_is_known_to_a_model_of_english_alone() -> None:
    english = (ROOT / "examples" / "arxiv_en.txt").read_text("utf-8")
    assert foreign_language(english, ("en",)) is None


@pytest.mark.parametrize("name", ["arxiv_tldr_en", "arxiv_tldr_zh"])
def test_no_document_or_summary_in_our_languages_is_warned_of(name: str) -> None:
    lines = (ROOT / "tests" / "data" / f"{name}.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    texts = [record[key] for record in records for key in ("document", "summary")]
    assert [text for text in texts if foreign_language(text, OURS)] == []


def test_the_warning_names_the_language_and_what_the_model_knows() -> None:
    message = "the document looks like German, and this model was trained on: en, zh"
    expected = SummaryWarning(WarningCode.LANGUAGE_NOT_SUPPORTED, message)
    assert language_warnings(PARAGRAPHS["German"], OURS) == (expected,)
    assert language_warnings("A document.", OURS) == ()
