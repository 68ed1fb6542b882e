"""The warning about names and numbers that the document does not hold."""

from bundle.facts import Ordinary
from server.text.facts import fact_warnings
from server.types import WarningCode

ORDINARY = Ordinary(["they"])


def test_what_the_document_holds_warns_of_nothing() -> None:
    assert fact_warnings("Anne said 5.", "They say Anne said 5.", ORDINARY, is_cut=False) == ()


def test_names_and_numbers_that_are_made_up_are_named_each_once() -> None:
    summary = "They say Bob said 6, Bob did."
    (warning,) = fact_warnings("Anne said 5.", summary, ORDINARY, is_cut=False)
    assert warning.code is WarningCode.FACTS_NOT_IN_SOURCE
    assert warning.message == "not in the document: Bob, 6"


def test_ten_are_named_and_the_others_counted() -> None:
    (warning,) = fact_warnings("", " ".join(map(str, range(12))), ORDINARY, is_cut=False)
    assert warning.message == "not in the document: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"


def test_a_number_that_the_limit_cut_off_is_not_reported() -> None:
    assert fact_warnings("in 2019", "in 20", ORDINARY, is_cut=True) == ()
    assert fact_warnings("in 2019", "in 20", ORDINARY, is_cut=False)
