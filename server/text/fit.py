"""Whether a document fits the model, and if not, how much of it does."""

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from server.errors import InvalidRequest, Violation
from server.types import ServedModel

# Other parts of a document may have more tokens to the character than its beginning.
_MARGIN = 0.9


def tokens_that_fit(
    document: str, text: str, tokenizer: BundleTokenizer, model: ServedModel
) -> list[int]:
    """The tokens of `text`, which is what the model reads of `document`.

    Raises InvalidRequest if they are too many; nothing is ever cut without being asked.
    """
    limit = model.max_source_tokens
    longest = tokenizer.longest_token_bytes
    if longest is not None and (size_bytes := len(text.encode())) > longest * limit:
        # To tokenise a megabyte takes seconds.
        num_tokens = f"more than {-(-size_bytes // longest) - 1}"
        beginning = text[: longest * limit + 1]
        raise _too_long(document, text, tokenizer.end_of(beginning, limit), num_tokens, limit)
    ids = tokenizer.encode(text)
    if len(ids) > limit:
        raise _too_long(document, text, tokenizer.end_of(text, limit), str(len(ids)), limit)
    return ids


def _too_long(document: str, text: str, end: int, num_tokens: str, limit: int) -> InvalidRequest:
    in_front = len(text) - len(normalise(document))  # a text of the style's, before the document
    fits = _characters(document, max(0, end - in_front))
    problem = (
        f"has {num_tokens} tokens, at most {limit} are served, which is the first {fits} of its "
        f"{len(document)} characters: split it (about {_rounded_down(_MARGIN * fits)} characters "
        "a piece)"
    )
    return InvalidRequest(Violation("document", problem))


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
