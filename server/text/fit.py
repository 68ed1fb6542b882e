"""Whether a document fits the model, and if not, how much of it does."""

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from server.errors import InvalidRequest, Violation

# Other parts of a document may have more tokens to the character than its beginning.
_MARGIN = 0.9


def encode_within(text: str, tokenizer: BundleTokenizer, limit: int) -> list[int] | None:
    """The tokens of a text, or None if they are more than the limit."""
    longest = tokenizer.longest_token_bytes
    # To tokenise a megabyte takes seconds.
    if longest is not None and len(text.encode()) > longest * limit:
        return None
    ids = tokenizer.encode(text)
    return ids if len(ids) <= limit else None


def too_long(document: str, text: str, tokenizer: BundleTokenizer, limit: int) -> InvalidRequest:
    """The refusal of a document; `text` is what the model would read of it."""
    longest = tokenizer.longest_token_bytes
    if longest is not None and (size_bytes := len(text.encode())) > longest * limit:
        num_tokens = f"more than {-(-size_bytes // longest) - 1}"
        end = tokenizer.end_of(text[: longest * limit + 1], limit)
    else:
        num_tokens = str(len(tokenizer.encode(text)))
        end = tokenizer.end_of(text, limit)
    fits = characters_of(document, text, end)
    problem = (
        f"has {num_tokens} tokens, at most {limit} are read at once, which is the first {fits} of "
        f"its {len(document)} characters: leave out long_document_policy, or split it (about "
        f"{_rounded_down(_MARGIN * fits)} characters a piece)"
    )
    return InvalidRequest(Violation("document", problem))


def characters_of(document: str, text: str, end: int) -> int:
    """How many characters of a document the first `end` of `text` stand for: what is read of it."""
    in_front = len(text) - len(normalise(document))  # a text of the style's, before the document
    return _characters(document, max(0, end - in_front))


def _characters(document: str, normalised: int) -> int:
    """How many characters of a document, at most, become that many when it is normalised."""
    low, high = 0, normalised
    while high < len(document) and len(normalise(document[:high])) <= normalised:
        low, high = high, 2 * high + 1
    high = min(high, len(document))
    while low < high:
        middle = (low + high + 1) // 2
        if len(normalise(document[:middle])) <= normalised:
            low = middle
        else:
            high = middle - 1
    return low


def _rounded_down(number: float) -> int:
    """To two digits, such as 4100 for 4187."""
    digits = str(int(number))
    return max(1, int(digits[:2].ljust(len(digits), "0")))
