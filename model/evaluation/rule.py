"""The scoring rule, the same for whatever is scored.

The first 4,000 characters and 638 tokens of a document; greedy with no-repeat 3-grams; at most 64
new tokens for `brief` (80 in Chinese), 32 for `headline`, 128 for the others; of the special
tokens only the end token is written, and no token that the checkpoint itself bans. A network with
fewer positions, or a bundle with lower limits, reads and writes what fits; one that always begins
or ends with a certain token (mBART with a language) does so here; one without styles gives the
one kind of summary that it knows.
"""

MAX_CHARACTERS = 4_000
MAX_DOCUMENT_TOKENS = 638
NO_REPEAT_NGRAM_SIZE = 3


def max_summary_tokens(style: str, lang: str) -> int:
    """The limit on generated tokens, the end token included."""
    if style == "brief":
        return 80 if lang == "zh" else 64
    return 32 if style == "headline" else 128
