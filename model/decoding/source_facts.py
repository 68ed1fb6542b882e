"""The rule that no name or number is written that the source does not hold, plainly.

bundle/facts.py says what is forbidden. For each token of the vocabulary the whole summary is read
again with that token at its end: the server keeps the rule along with what it writes
(server/decoding/source_facts.py), and tests compare.
"""

import codecs
from collections.abc import Sequence

from bundle.facts import Source, Word, words_of
from bundle.spelling import Spelling


def wrong_fact_ids(
    tokens: Sequence[int],
    source_ids: Sequence[int],
    spelling: Spelling,
    *,
    vocabulary_size: int,
    end_id: int,
) -> set[int]:
    """Ids that would make a word of the summary wrong, or complete a wrong one."""
    source = Source(spelling.text_of(source_ids), spelling.ordinary)
    written = b"".join(map(spelling.text, tokens))
    words, _ = _read(written)
    wrong_before = {place for place, word in enumerate(words) if source.is_wrong(word)}

    def is_wrong_with(token: int) -> bool:
        spelled = spelling.text(token)
        if not spelled:
            return False
        after, half = _read(written + spelled)
        judged = [word for place, word in enumerate(after) if place not in wrong_before]
        if any(source.is_wrong(word) for word in judged):
            return True
        is_within = half and judged and judged[-1] is after[-1] and judged[-1].is_last
        return bool(is_within) and not source.may_go_on_within(judged[-1], half)

    wrong = {token for token in range(vocabulary_size) if is_wrong_with(token)}
    is_wrong_end = any(
        source.is_wrong_if_complete(word)
        for place, word in enumerate(words)
        if word.is_last and place not in wrong_before
    )
    return wrong | {end_id} if is_wrong_end else wrong - {end_id}


def _read(written: bytes) -> tuple[list[Word], bytes]:
    """The words of a text, and the bytes of a character that is not complete."""
    text, num_read = codecs.utf_8_decode(written, "replace", False)
    return words_of(text), written[num_read:]
