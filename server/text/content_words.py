"""The words of a text that carry its content: what sentences are compared by.

English function words and Chinese function characters are left out, and a plural counts as its
singular. Chinese words are not divided from each other, so each pair of neighbouring characters
stands for one.
"""

import re
from itertools import pairwise

from bundle.words import HAN

_RUN = re.compile(f"(?P<han>[{HAN}]+)|[^\\W_{HAN}]+(?:['\u2019][^\\W_{HAN}]+)*")

_FUNCTION_WORDS = frozenset(
    "a about above after again all also although am an and any are as at be because been before "
    "being below between both but by can cannot could did do does doing down during each either "
    "few for from further had has have having he her here hers him his how however i if in into "
    "is it its itself just may me might more most much must my neither no nor not now of off on "
    "once one only or other our out over own per same shall she should since so some such than "
    "that the their theirs them then there therefore these they this those though through thus "
    "to too under until up upon us very was we were what when where whether which while who whom "
    "whose why will with within without would yet you your "
    "i'm it's don't can't i've we're you're that's there's".split()
)
_FUNCTION_CHARACTERS = frozenset(
    "的了是在和与及或也而就都又被把对从向于以之其这那此个有为所等着过地得"
)


def content_words(text: str) -> list[str]:
    """The content words of a text, in order, repeated ones as often as they occur."""
    found: list[str] = []
    for match in _RUN.finditer(text.lower()):
        run = match[0]
        if match["han"] is None:
            if run not in _FUNCTION_WORDS:
                found.append(_singular(run))
            continue
        if len(run) == 1 and run not in _FUNCTION_CHARACTERS:
            found.append(run)
        found += [
            first + second
            for first, second in pairwise(run)
            if first not in _FUNCTION_CHARACTERS and second not in _FUNCTION_CHARACTERS
        ]
    return found


def _singular(word: str) -> str:
    word = word.split("'")[0].split("\u2019")[0]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
