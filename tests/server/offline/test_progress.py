"""Progress on a terminal and elsewhere."""

import io

import pytest

from server.offline.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (io.StringIO(), "3 documents in 12 s\n6 documents in 24 s\n7 documents in 28 s\n"),
        (Terminal(), "".join(f"\r{i} documents in {4 * i} s" for i in (*range(1, 8), 7)) + "\n"),
    ],
)
def test_a_terminal_sees_each_and_a_file_a_line_now_and_then(
    stream: io.StringIO, expected: str
) -> None:
    now_s = 0.0
    progress = Progress(stream, clock=lambda: now_s)
    for _ in range(7):
        now_s += 4
        progress.add()
    progress.close()
    progress.close()
    assert stream.getvalue() == expected


def test_quiet_says_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream, is_quiet=True)
    progress.add()
    progress.close()
    assert stream.getvalue() == ""
