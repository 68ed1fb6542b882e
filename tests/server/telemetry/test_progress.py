"""Capturing steps is told of now and then."""

import logging

import pytest

from server.telemetry.progress import CaptureProgress


def test_progress_is_told_at_first_every_two_seconds_and_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now_s = 100.0
    progress = CaptureProgress(clock=lambda: now_s)
    with caplog.at_level(logging.INFO):
        for done in range(1, 11):
            progress(done, 10)
            now_s += 0.75

    assert {record.message for record in caplog.records} == {"capturing"}
    assert [record.precis_fields["done"] for record in caplog.records] == [1, 4, 7, 10]
