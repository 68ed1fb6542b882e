"""Who takes part, and how each is started."""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.gpu import cases


@dataclass(frozen=True)
class Entry:
    """A contender: a worker, what it is given, and what it is asked for differently."""

    module: str
    # Whether it takes our bundle, or the checkpoint that others read.
    takes_bundle: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    # Whether a shorter turn means what a longer one does: not where a shape is compiled for each.
    tells_steps: bool = True
    # Turns before those that count. Ours captures a shape only when it has come a few times.
    warm_ups: int = 1

    @property
    def worker(self) -> tuple[object, ...]:
        """Entries of the same worker share a process."""
        return self.module, self.takes_bundle, tuple(sorted(self.options.items()))


_OURS, _HUGGING_FACE = "benchmarks.gpu.our_worker", "benchmarks.gpu.hugging_face_worker"

ENTRIES = {
    cases.OURS: Entry(_OURS, warm_ups=3),
    cases.UNDRAFTED: Entry(_OURS, job={"speculation": False}, warm_ups=3),
    cases.SERVED: Entry("benchmarks.gpu.server_worker", tells_steps=False, warm_ups=2),
    cases.HUGGING_FACE: Entry(_HUGGING_FACE, takes_bundle=False),
    cases.STATIC: Entry(
        _HUGGING_FACE, takes_bundle=False, options={"cache": "static"}, tells_steps=False
    ),
    cases.OPTIMUM: Entry("benchmarks.gpu.optimum_worker", takes_bundle=False),
    cases.COPIES: Entry("benchmarks.gpu.copy_worker"),
}
