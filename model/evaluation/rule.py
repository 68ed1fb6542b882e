"""The scoring rule, the same for whatever is scored.

The first 4,000 characters and 638 tokens of a document; greedy, and no run of 3 tokens written
twice unless another rule is asked for; at most 64
new tokens for `brief` (80 in Chinese), 32 for `headline`, 128 for the others; of the special
tokens only the end token is written, and no token that the checkpoint itself bans. A network with
fewer positions, or a bundle with lower limits, reads and writes what fits; one that always begins
or ends with a certain token (mBART with a language) does so here; one without styles gives the
one kind of summary that it knows.
"""

import re
from dataclasses import dataclass, replace

MAX_CHARACTERS = 4_000
MAX_DOCUMENT_TOKENS = 638
_FACTS = "+facts"


@dataclass(frozen=True)
class Repetition:
    """What may not be written twice: a run of so many tokens, or of so many words; 0 is none.

    And whether no name or number may be written that the document does not hold.
    """

    no_repeat_ngram_size: int = 0
    no_repeat_word_ngram_size: int = 0
    only_source_facts: bool = False

    def __str__(self) -> str:
        if self.only_source_facts:
            return f"{replace(self, only_source_facts=False)}{_FACTS}"
        if self.no_repeat_word_ngram_size:
            return f"words-{self.no_repeat_word_ngram_size}"
        return f"tokens-{self.no_repeat_ngram_size}" if self.no_repeat_ngram_size else "none"


TOKENS_3 = Repetition(no_repeat_ngram_size=3)


def read_repetition(name: str) -> Repetition:
    """The rule of a name such as `words-3`; raises ValueError for what is no such name."""
    if name.endswith(_FACTS):
        return replace(read_repetition(name.removesuffix(_FACTS)), only_source_facts=True)
    if name == "none":
        return Repetition()
    found = re.fullmatch(r"(tokens|words)-([1-9]\d?)", name)
    if found is None:
        raise ValueError(
            f"{name!r} is no rule against repetition: tokens-N, words-N or none, perhaps with "
            f"{_FACTS}"
        )
    size = int(found[2])
    return Repetition(size) if found[1] == "tokens" else Repetition(0, size)


def max_summary_tokens(style: str, lang: str) -> int:
    """The limit on generated tokens, the end token included."""
    if style == "brief":
        return 80 if lang == "zh" else 64
    return 32 if style == "headline" else 128
