"""A contender's process: what it says, how long it is given, and how it ends."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.contender import Contender, ContenderError
from benchmarks.gpu.deadline import Deadline

_WORKER = """
import time
from benchmarks.gpu.protocol import Ready, Work, serve

def load(start):
    def work(job):
        if job.max_tokens == 13:
            raise MemoryError("thirteen tokens do not fit")
        if job.max_tokens == 99:
            time.sleep(60)
        return Work(job.documents, {"rows": start.rows, **start.options})
    return Ready(work, {"device": start.device}, lambda: 7)

serve(load)
"""
JOB: dict[str, Any] = {
    "documents": [[1, 2], [3]],
    "texts": [],
    "batch": 2,
    "max_tokens": 4,
    "min_tokens": 4,
}
ARGUMENTS = ("model", "--device", "cpu", "--rows", "2", "--options", '{"extra": 5}')


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "told_worker.py").write_text(_WORKER, "utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path.cwd()}")
    return "told_worker"


def test_a_job_that_fails_is_told_of_and_the_next_one_works(module: str) -> None:
    contender = Contender(module, ARGUMENTS)
    try:
        ready = contender.hear(Deadline(60))
        assert (ready["device"], ready["used_bytes"]) == ("cpu", 7)
        with pytest.raises(ContenderError, match="MemoryError: thirteen tokens do not fit"):
            contender.ask({**JOB, "max_tokens": 13}, Deadline(60))
        answer = contender.ask(JOB, Deadline(60))
        assert answer["summaries"] == [[1, 2], [3]]
        assert answer["tokens"] == 3
        assert answer["details"] == {"rows": 2, "extra": 5}
    finally:
        contender.close()
    assert not contender.is_alive


def test_one_that_overruns_its_time_is_ended_so_that_it_disturbs_nobody(module: str) -> None:
    contender = Contender(module, ARGUMENTS)
    try:
        contender.hear(Deadline(60))
        with pytest.raises(ContenderError, match="no answer within 0 s"):
            contender.ask({**JOB, "max_tokens": 99}, Deadline(0.2))
        assert not contender.is_alive
    finally:
        contender.close()


def test_one_that_ends_by_itself_is_told_with_the_last_thing_that_it_said() -> None:
    contender = Contender("benchmarks.gpu.no_such_worker", [])
    try:
        with pytest.raises(ContenderError, match=r"exit code 1: .*No module named"):
            contender.hear(Deadline(60))
    finally:
        contender.close()


def test_one_that_is_killed_is_told_by_its_signal(module: str) -> None:
    contender = Contender(module, ARGUMENTS)
    try:
        contender.hear(Deadline(60))
        os.kill(contender.pid, signal.SIGKILL)
        with pytest.raises(ContenderError, match=f"exit code -{int(signal.SIGKILL)}"):
            contender.ask(JOB, Deadline(60))
    finally:
        contender.close()
