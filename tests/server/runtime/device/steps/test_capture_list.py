"""What is captured at start: read from a line of text, put in an order."""

import pytest

from server.runtime.device.steps.capture_list import (
    CaptureList,
    CaptureListError,
    Sizes,
    parse_capture_list,
    planned,
)

USUAL = {"rows": (1, 2, 4), "source": (256, 128), "slots": (64, 128), "tokens": (6, 1)}


def test_a_list_names_sizes_by_kind() -> None:
    wanted = parse_capture_list(" rows=1,8, 64; tokens=1,6")
    assert wanted == CaptureList(sizes={"rows": [1, 8, 64], "tokens": [1, 6]})


@pytest.mark.parametrize("text", ["auto", "", " auto "])
def test_without_a_list_the_usual_sizes_are_captured(text: str) -> None:
    assert parse_capture_list(text) == CaptureList()


def test_off_captures_nothing_at_all() -> None:
    assert not (wanted := parse_capture_list("off")).enabled
    assert planned(wanted, **USUAL) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rows", "'rows' is no NAME=SIZES; names are rows, source, slots, tokens"),
        ("lines=3", "'lines=3' is no NAME=SIZES"),
        ("rows=0", "rows='0' is no number from 1 to 1048576"),
        ("rows=1,two", "rows='two' is no number"),
        ("rows=9999999999", "rows='9999999999' is no number"),
        ("rows=1;rows=2", "rows is given twice"),
        ("rows=1;;", "'' is no NAME=SIZES"),
    ],
)
def test_a_list_that_cannot_be_read_says_which_part(text: str, problem: str) -> None:
    with pytest.raises(CaptureListError, match=problem):
        parse_capture_list(text)


def test_the_steps_of_most_rows_over_empty_caches_come_first() -> None:
    found = planned(CaptureList(), **USUAL)
    assert found[:4] == [Sizes(n, 256, 64, 6) for n in (4, 2, 1)] + [Sizes(4, 256, 64, 1)]
    assert found[-1] == Sizes(1, 128, 128, 1)
    assert len(set(found)) == len(found) == 24


def test_sizes_that_never_occur_are_left_out() -> None:
    wanted = CaptureList(sizes={"rows": [2, 3], "slots": [64]})
    assert planned(wanted, **USUAL) == [
        Sizes(2, 256, 64, 6), Sizes(2, 256, 64, 1), Sizes(2, 128, 64, 6), Sizes(2, 128, 64, 1),
    ]  # fmt: skip


def test_what_nobody_asked_for_by_name_is_bounded() -> None:
    many = dict.fromkeys(USUAL, tuple(range(1, 20)))
    assert len(planned(CaptureList(), **many)) == 64
