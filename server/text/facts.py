"""Names and numbers of a summary that its document does not hold."""

from bundle.facts import Ordinary, Source, wrong_words
from server.types import SummaryWarning, WarningCode

_MOST_SHOWN = 10


def fact_warnings(
    document: str, summary: str, ordinary: Ordinary, *, is_cut: bool
) -> tuple[SummaryWarning, ...]:
    """A warning that names them, the first ten of them if there are more.

    `is_cut` says that the summary was cut off at a limit.
    """
    wrong = wrong_words(Source(document, ordinary), summary, is_cut=is_cut)
    if not wrong:
        return ()
    shown = ", ".join(wrong[:_MOST_SHOWN])
    more = f" and {len(wrong) - _MOST_SHOWN} more" if len(wrong) > _MOST_SHOWN else ""
    message = f"not in the document: {shown}{more}"
    return (SummaryWarning(WarningCode.FACTS_NOT_IN_SOURCE, message),)
