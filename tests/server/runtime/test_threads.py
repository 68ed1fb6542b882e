"""How many threads the model may use."""

import os
from pathlib import Path

import pytest

from server.runtime.threads import cpu_quota, thread_budget


def write_v2(root: Path, content: str) -> Path:
    (root / "cpu.max").write_text(content, "ascii")
    return root


def write_v1(root: Path, quota: int, period: int) -> Path:
    (root / "cpu").mkdir()
    (root / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n", "ascii")
    (root / "cpu" / "cpu.cfs_period_us").write_text(f"{period}\n", "ascii")
    return root


def test_the_quota_of_cgroup_v2_is_read(tmp_path: Path) -> None:
    assert cpu_quota(write_v2(tmp_path, "150000 100000\n")) == 1.5


def test_the_quota_of_cgroup_v1_is_read(tmp_path: Path) -> None:
    assert cpu_quota(write_v1(tmp_path, 50000, 100000)) == 0.5


@pytest.mark.parametrize("content", ["max 100000\n", "nonsense"])
def test_no_limit_or_an_unreadable_one_is_no_quota(tmp_path: Path, content: str) -> None:
    assert cpu_quota(write_v2(tmp_path, content)) is None


def test_a_negative_quota_of_cgroup_v1_is_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(write_v1(tmp_path, -1, 100000)) is None


def test_a_quota_below_the_cores_sets_the_threads_and_stops_them_from_spinning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    budget = thread_budget(cgroup=write_v2(tmp_path, "250000 100000"))
    assert (budget.threads, budget.may_spin) == (2, False)


def test_less_than_one_cpu_still_gives_one_thread(tmp_path: Path) -> None:
    assert thread_budget(cgroup=write_v2(tmp_path, "10000 100000")).threads == 1


def test_without_a_quota_every_core_in_the_affinity_gets_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})
    budget = thread_budget(cgroup=tmp_path)
    assert (budget.threads, budget.may_spin) == (3, True)


def test_a_number_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    assert thread_budget(5, cgroup=tmp_path).threads == 5


@pytest.mark.parametrize(("requested", "may_spin"), [(2, True), (3, False)])
def test_more_threads_than_cores_do_not_spin(
    requested: int, may_spin: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    assert thread_budget(requested, cgroup=tmp_path).may_spin is may_spin
