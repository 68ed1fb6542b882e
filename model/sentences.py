"""Text to sentences, English and Chinese alike."""

import re

# After a full stop and the like, with closing quotes and brackets, where white space follows; after
# a Chinese one whatever follows; and at each line's end.
_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+|(?<=[。！？；])[”’」』）]*\s*|\s*\n\s*")  # noqa: RUF001


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each without white space around it.

    By punctuation alone: "e.g. this" is two. Good enough to choose sentences by, not to parse.
    """
    sentences, start = [], 0
    for end in _END.finditer(text):
        sentences.append(text[start : end.end()].strip())
        start = end.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]
