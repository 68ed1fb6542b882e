"""Whether a document is written in a language that the model does not know.

It says nothing unless it is sure: a warning that is wrong is worse than none. Where it is not sure
are short texts, titles, lists of names, tables and code.
"""

import re
from collections import Counter
from collections.abc import Sequence

from server.text.function_words import ALIASES, LANGUAGES_OF_WORD, NAMES
from server.text.scripts import HAN, KANA, count_letters
from server.types import SummaryWarning, WarningCode

# What is not looked at of a long text would hardly change the verdict.
_MOST_CHARACTERS = 8192
_FEWEST_LETTERS = 20
# Japanese has far more kana, and Chinese texts quote a Japanese name at times.
_KANA_SHARE = 0.2
_FEWEST_WORDS = 20
# Different ones: a name that occurs again and again is not a language.
_FEWEST_FUNCTION_WORDS = 5
# Of the words of a running text a third and more are function words.
_FUNCTION_WORD_SHARE = 0.15
# How many times as many as of any language that the model knows.
_LEAD = 2.0
# Danish and Norwegian have nearly the same short words.
_ALIKE = 0.9
_MOST_ALIKE = 2
_UNDETERMINED = {"und", "mul", "mis", "zxx"}
_WORD = re.compile(r"[^\W\d_]+")


def language_warnings(document: str, languages: Sequence[str]) -> tuple[SummaryWarning, ...]:
    """A warning if a document is in a language that is none of the model's."""
    found = foreign_language(document, languages)
    if found is None:
        return ()
    known = ", ".join(languages)
    message = f"the document looks like {found}, and this model was trained on: {known}"
    return (SummaryWarning(WarningCode.LANGUAGE_NOT_SUPPORTED, message),)


def foreign_language(document: str, languages: Sequence[str]) -> str | None:
    """The language or script of a document, in English, if it is none of the model's languages.

    None where it is one of them, where that cannot be told, and for a model that names none.
    """
    known = {_primary(tag) for tag in languages}
    if not known or known & _UNDETERMINED:
        return None
    text = document[:_MOST_CHARACTERS]
    letters, others = count_letters(text)
    total = letters.total() + others
    if total < _FEWEST_LETTERS:
        return None
    han, kana = letters[HAN], letters[KANA]
    if kana >= _KANA_SHARE * (han + kana):  # Japanese is written in both
        letters[KANA] += letters.pop(HAN, 0)
    script, count = max(letters.items(), key=lambda each: each[1], default=(None, 0))
    if script is not None and 2 * count > total:
        return None if known & script.languages else script.name
    return _foreign_by_words(text, known) if 2 * others > total else None


def _foreign_by_words(text: str, known: set[str]) -> str | None:
    words = Counter(_WORD.findall(text.lower()))
    total = words.total()
    if total < _FEWEST_WORDS:
        return None
    counts: Counter[str] = Counter()
    different: Counter[str] = Counter()
    for word in words.keys() & LANGUAGES_OF_WORD.keys():
        for language in LANGUAGES_OF_WORD[word]:
            counts[language] += words[word]
            different[language] += 1
    best = max(counts, key=counts.__getitem__, default="en")
    # English is what texts of code, names and terms are made of, whatever the model knows.
    rival = max((counts[language] for language in (known | {"en"}) - {best}), default=0)
    if (
        best in known
        or counts[best] < max(_FUNCTION_WORD_SHARE * total, _LEAD * rival)
        or different[best] < _FEWEST_FUNCTION_WORDS
    ):
        return None
    alike = [each for each in NAMES if counts[each] >= _ALIKE * counts[best]]
    return " or ".join(NAMES[each] for each in alike) if len(alike) <= _MOST_ALIKE else None


def _primary(tag: str) -> str:
    """The language of a tag such as "pt-BR" or mBART's "pt_XX"."""
    language = re.split("[-_]", tag.lower())[0]
    return ALIASES.get(language, language)
