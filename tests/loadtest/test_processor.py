"""Whose processor time it was: read from a /proc of files."""

import os
from pathlib import Path

import pytest

from loadtest.conduct.processor import read_processor, use_between
from loadtest.results import ProcessorUse

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
BOOTED_S = 1_700_000_000
SERVER_STARTED_S = 500.0  # after the machine
SERVER, OTHER, CHILD, GRANDCHILD = 70001, 70002, 70003, 70004


def machine(
    proc: Path, busy_s: float, idle_s: float, stolen_s: float, used_s: dict[int, float]
) -> Path:
    """Writes the counters of a machine and of its processes."""
    ticks = [int(seconds * TICKS_PER_S) for seconds in (busy_s, 0, 0, idle_s, 0, 0, 0, stolen_s)]
    proc.mkdir(exist_ok=True)
    # The last two, guests, are in `user` already.
    words = " ".join(map(str, [*ticks, 99, 99]))
    (proc / "stat").write_text(f"cpu  {words}\ncpu0 {words}\nintr 0\nbtime {BOOTED_S}\n")
    parents = {os.getpid(): 1, SERVER: 1, OTHER: 1, CHILD: os.getpid(), GRANDCHILD: CHILD}
    for pid, parent in parents.items():
        (proc / str(pid)).mkdir(exist_ok=True)
        started = SERVER_STARTED_S if pid == SERVER else 400.0
        used = int(used_s.get(pid, 0.0) * TICKS_PER_S)
        fields = ["S", str(parent), *["0"] * 9, str(used), "0", "0", "0", *["0"] * 4]
        stat = f"{pid} (a (b) c) {' '.join(fields)} {int(started * TICKS_PER_S)} 0 0\n"
        (proc / str(pid) / "stat").write_text(stat)
    return proc


def metrics(cpu_s: float, started_s: float = BOOTED_S + SERVER_STARTED_S) -> dict[str, float]:
    return {"process_cpu_seconds_total": cpu_s, "process_start_time_seconds": started_s}


def use(
    tmp_path: Path, before: dict[str, float] | None, after: dict[str, float] | None
) -> ProcessorUse:
    """Lets ten seconds of two cores go by: 8 s by the server, 2 by us, 4 by others, 2 stolen."""
    first = read_processor(before, machine(tmp_path / "1", 100, 100, 10, {SERVER: 5, CHILD: 1}))
    used = {SERVER: 13, CHILD: 2, GRANDCHILD: 1, OTHER: 4}
    second = read_processor(after, machine(tmp_path / "2", 114, 104, 12, used))
    found = use_between(first, second)
    assert found is not None
    return found


def test_a_server_of_this_machine_is_counted_once_and_is_not_among_the_others(
    tmp_path: Path,
) -> None:
    found = use(tmp_path, metrics(5), metrics(13))

    assert found.ours == pytest.approx(10 / 20)
    assert found.others == pytest.approx(4 / 20)
    assert found.stolen == pytest.approx(2 / 20)


def test_a_server_that_may_be_in_a_container_beside_is_taken_at_its_word(tmp_path: Path) -> None:
    elsewhere = BOOTED_S + 17.0

    found = use(tmp_path, metrics(5, elsewhere), metrics(13, elsewhere))

    assert found.ours == pytest.approx(10 / 20)
    assert found.others == pytest.approx(4 / 20)


def test_without_the_servers_metrics_nothing_is_said_of_others(tmp_path: Path) -> None:
    found = use(tmp_path, None, None)

    assert found.others is None
    assert found.stolen == pytest.approx(2 / 20)


def test_where_the_system_does_not_tell_nothing_is_said(tmp_path: Path) -> None:
    assert read_processor(metrics(1), tmp_path) is None
    assert use_between(None, None) is None


def test_what_this_process_uses_is_not_others() -> None:
    before = read_processor({"process_cpu_seconds_total": 0.0})
    assert (before is not None) == Path("/proc/stat").exists()
    if before is None:
        return
    after = before
    while after.ours_s - before.ours_s < 0.2:
        after = read_processor({"process_cpu_seconds_total": 0.0}) or before

    found = use_between(before, after)

    assert found is not None
    assert 0 < found.ours <= 1
