"""A proposed step and some more that the device takes by itself, read back at once."""

from collections.abc import Sequence

from server.decoding.strategy import Proposal
from server.runtime.device.bound_step import BoundStep
from server.runtime.device.device import Queue
from server.runtime.device.outcomes import StepTold
from server.runtime.lane_arrays import Array


class Burst:
    """One look of the engine."""

    def __init__(
        self, queue: Queue, step: BoundStep, proposals: Sequence[Proposal], slots: Array
    ) -> None:
        self._queue, self._step = queue, step
        self._proposals, self._slots = proposals, slots

    def run(self, graph_id: int, steps_ahead: int) -> list[StepTold]:
        """Queues all steps, waits once, and gives what each of them said."""
        step, proposals, slots = self._step, self._proposals, self._slots
        try:
            step.upload(proposals, slots)
            for index in range(steps_ahead + 1):
                if index:
                    step.feed_back()
                if index == 1:
                    step.upload_lasting(proposals, slots)
                step.run(graph_id)
                step.download(index)
            step.download_words(proposals, slots)
        finally:
            # Also where a step could not be queued: what was is still read and written.
            self._queue.wait()
        return [step.told(index, slots) for index in range(steps_ahead + 1)]

    def scores(self) -> Sequence[Array | None]:
        """What was said of every word, for the rows that want it."""
        return self._step.scores(self._proposals)
