"""Finds waiting requests that can no longer finish in time, before they cost anything."""

import math
from collections.abc import Sequence

from server.engine.pace import Pace, Work
from server.engine.request import Row
from server.errors import DeadlineTooShort, Overloaded, RequestError

# When to come back, at least.
_SHORTEST_RETRY_S = 0.1


def refusals(
    waiting: Sequence[Row], pace: Pace, now_s: float, *, running_rows: int, free: int
) -> list[tuple[Row, RequestError]]:
    """Returns the requests that can no longer finish in time, each with the error to send.

    `waiting` is in order of arrival. The first `free` requests may start now: they share decoder
    steps and wait only for each other's encoding. The others also wait for all the work of those
    before them. The work left in running requests is not counted, so the estimate is a lower
    bound. A refused request delays nobody behind it.
    """
    refused: list[tuple[Row, RequestError]] = []
    started_rows, ahead_s, ahead = running_rows, 0.0, 0
    for row in waiting:
        if row.cancelled or row.is_expired(now_s):
            continue  # removed elsewhere, with its own reason
        work = row.work
        starts_now = ahead < free
        company = float(started_rows + work.rows * starts_now)
        service_s = pace.service_s(work, company=company)
        remaining_s = math.inf
        if (deadline_s := row.request.terms.deadline_s) is not None:
            remaining_s = deadline_s - now_s
        if ahead_s + service_s > remaining_s:
            refused.append((row, _refusal(work, pace, ahead_s + service_s, remaining_s)))
            continue
        ahead += 1
        if starts_now:
            started_rows += work.rows
            ahead_s += work.tokens * pace.token_s
        else:
            ahead_s += pace.work_s(work, company=max(1.0, company))
    return refused


def _refusal(work: Work, pace: Pace, needed_s: float, remaining_s: float) -> RequestError:
    """Another replica may still finish it, unless even an idle server could not."""
    idle_s = pace.idle_s(work)
    if idle_s > remaining_s:
        return DeadlineTooShort(estimate_s=idle_s, remaining_s=remaining_s)
    problem = (
        f"the queue moves more slowly than it did: this document would be done in about "
        f"{needed_s:.3g} s, and {remaining_s:.3g} s are left of its deadline"
    )
    retry_s = max(_SHORTEST_RETRY_S, needed_s - remaining_s)
    return Overloaded(problem, quota="seconds", retry_after_s=retry_s)
