"""How many threads the model may use, as this process is really allowed to.

onnxruntime sizes its pool by the machine's cores. In a container with a CPU quota that means
threads that fight for time they do not have, so the number is worked out here: affinity first, then
the cgroup quota, v2 or v1.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class ThreadBudget:
    """How many threads to start, and whether they may spin while they wait for work."""

    threads: int
    may_spin: bool


def thread_budget(requested: int = 0, cgroup: Path = _CGROUP) -> ThreadBudget:
    """Takes the number asked for, or as many as affinity and quota give.

    A spinning thread uses up quota without doing anything, so under a quota below the cores nobody
    spins; nor where there are more threads than cores, since it would take one that another needs.
    """
    cores = len(os.sched_getaffinity(0))
    quota = cpu_quota(cgroup)
    allowed = cores if quota is None else min(cores, max(1, math.floor(quota)))
    may_spin = requested <= cores and (quota is None or quota >= cores)
    return ThreadBudget(threads=requested or allowed, may_spin=may_spin)


def cpu_quota(cgroup: Path = _CGROUP) -> float | None:
    """CPUs that the container may use in all; None without a limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text("ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        micros = int((cgroup / "cpu" / "cpu.cfs_quota_us").read_text("ascii"))
        period_micros = int((cgroup / "cpu" / "cpu.cfs_period_us").read_text("ascii"))
        return micros / period_micros if micros > 0 else None
    except (OSError, ValueError):
        return None
