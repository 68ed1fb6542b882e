"""Who used this machine's processor during a phase: the load test and its server, or others.

Read from /proc; where there is none, as on macOS, nothing is said.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtest.results import ProcessorUse

_PROC = Path("/proc")
_IDLE, _IO_WAIT, _STEAL, _USED_FIELDS = 3, 4, 7, 8  # of the line `cpu` in /proc/stat
# Of /proc/PID/stat, counted from the closing parenthesis of the command.
_PARENT, _TIMES, _START = 1, slice(11, 15), 19  # times of the process and of its ended children
_SAME_START_S = 0.02

Totals = Mapping[str, float]


@dataclass(frozen=True)
class Reading:
    """Processor time until now, in seconds."""

    total_s: float  # of all cores, idle or not
    busy_s: float  # but for what was stolen
    stolen_s: float
    ours_s: float  # the load test's own processes, and the server if it is one of this machine's
    server_s: float | None  # of a server that is none of the processes seen here


def read_processor(server: Totals | None, proc: Path = _PROC) -> Reading | None:
    """Reads the counters; `server` is what the server's own metrics say of it, if anything."""
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    try:
        lines = dict(line.split(" ", 1) for line in (proc / "stat").read_text().splitlines())
        ticks = [int(word) for word in lines["cpu"].split()[:_USED_FIELDS]]
        booted_s = int(lines["btime"])
        processes = dict(_processes(proc))
    except (OSError, ValueError, KeyError):
        return None
    server_start_s = (server or {}).get("process_start_time_seconds")
    ours = set(_descendants(os.getpid(), processes))
    its = {
        pid
        for pid, fields in processes.items()
        if server_start_s is not None
        and abs(booted_s + int(fields[_START]) / ticks_per_s - server_start_s) < _SAME_START_S
    }
    ours_ticks = sum(sum(map(int, processes[pid][_TIMES])) for pid in ours | its)
    return Reading(
        total_s=sum(ticks) / ticks_per_s,
        busy_s=(sum(ticks) - ticks[_IDLE] - ticks[_IO_WAIT] - ticks[_STEAL]) / ticks_per_s,
        stolen_s=ticks[_STEAL] / ticks_per_s,
        ours_s=ours_ticks / ticks_per_s,
        server_s=0.0 if its else (server or {}).get("process_cpu_seconds_total"),
    )


def use_between(before: Reading | None, after: Reading | None) -> ProcessorUse | None:
    """Tells who used the processor between two readings."""
    if before is None or after is None or after.total_s <= before.total_s:
        return None
    total_s = after.total_s - before.total_s
    ours_s = max(0.0, after.ours_s - before.ours_s)
    others = None
    if before.server_s is not None and after.server_s is not None:
        ours_s += max(0.0, after.server_s - before.server_s)
        busy_s = after.busy_s - before.busy_s
        others = min(1.0, max(0.0, (busy_s - ours_s) / total_s))
    return ProcessorUse(
        ours=min(1.0, ours_s / total_s),
        others=others,
        stolen=max(0.0, after.stolen_s - before.stolen_s) / total_s,
    )


def _processes(proc: Path) -> Iterator[tuple[int, list[str]]]:
    for folder in proc.iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            yield int(folder.name), fields


def _descendants(root: int, processes: Mapping[int, list[str]]) -> Iterator[int]:
    """Gives a process, its children, theirs and so on."""
    if root not in processes:
        return
    children: dict[int, list[int]] = {}
    for pid, fields in processes.items():
        children.setdefault(int(fields[_PARENT]), []).append(pid)
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, [])
