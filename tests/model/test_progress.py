"""Progress in a file: a plain line every ten seconds and at the end, and no carriage returns."""

import pytest

from model.progress import ProgressBar


def test_a_bar_that_is_no_terminals_prints_a_line_every_ten_seconds_and_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now_s = 0.0
    with ProgressBar(
        desc="verify", total=30, unit="summary", mininterval=0, clock=lambda: now_s
    ) as bar:
        for _ in range(30):
            now_s += 1.0
            bar.set_postfix_str("loss 1.5")
            bar.update()

    *middle, last = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in middle] == [
        "verify: 9 of 30",
        "verify: 19 of 30",
        "verify: 29 of 30",
    ]
    assert last.startswith("verify: 30 of 30, ")
    assert last.endswith("loss 1.5")


def test_other_text_is_written_between_the_lines_of_a_bar(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProgressBar(range(2), unit="step") as bar:
        for _ in bar:
            bar.write("validation")

    written = capsys.readouterr()
    assert written.out == "validation\nvalidation\n"
    assert written.err.startswith("progress: 2 of 2, ")
    assert "\r" not in written.err
    assert written.err.count("\n") == 1


def test_a_bar_that_is_switched_off_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in ProgressBar(range(3), disable=True):
        pass

    assert capsys.readouterr().err == ""
