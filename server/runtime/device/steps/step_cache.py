"""The steps that are bound, and those among them that are captured."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from bundle.manifest import Manifest
from server.runtime.device.drivers.device import Block, Device, Queue
from server.runtime.device.memory.lane import DeviceLane
from server.runtime.device.steps.bound_step import BoundStep
from server.runtime.device.steps.captures import NOT_CAPTURED, Captures
from server.runtime.step.shape import StepShape

# Bound steps hold little memory, but a server that never rests would come to have all shapes.
_MOST_BOUND = 512

_Key = tuple[int, StepShape]


class BoundSteps:
    """Makes a step when its shape first comes, and keeps those used last."""

    def __init__(
        self, device: Device, queue: Queue, sessions: Mapping[str, Any], manifest: Manifest, *,
        captures: bool, launching: threading.Lock,
    ) -> None:  # fmt: skip
        self._device, self._queue = device, queue
        self._sessions, self._manifest = sessions, manifest
        is_able = captures and device.can_capture
        self.captures: Captures[_Key] = Captures(self._release, enabled=is_able)
        # The one used last comes last.
        self._steps: dict[_Key, BoundStep] = {}
        self._words: Block | None = None
        self._launching = launching

    def bound(self, lane: DeviceLane, shape: StepShape) -> BoundStep:
        """The step of a shape over a lane."""
        key = (lane.serial, shape)
        step = self._steps.pop(key, None)
        words = self._words_for(shape)
        if step is not None and step.words is not words:
            self.captures.forget(key)
            step = None
        if step is None:
            step = self._made(lane, shape, words)
        self._steps[key] = step
        if len(self._steps) > _MOST_BOUND:
            self._drop(next(iter(self._steps)))
        return step

    @contextmanager
    def running(
        self, lane: DeviceLane, shape: StepShape, *, at_once: bool = False
    ) -> Iterator[int]:
        """The graph as which it is run now; nobody else launches anything while it is captured."""
        key = (lane.serial, shape)
        was_captured = self.captures.is_captured(key)
        graph_id = self.captures.graph_id(key, at_once=at_once)
        is_capturing = graph_id != NOT_CAPTURED and not was_captured
        try:
            with self._launching if is_capturing else nullcontext():
                yield graph_id
        except BaseException:
            # Nobody knows how far it came; it is captured anew, under another id. What went wrong
            # is to be heard of, not that there was nothing to release yet.
            with suppress(Exception):
                self.captures.forget(key)
            raise

    def forget(self, lane: DeviceLane) -> None:
        """Lets go of all steps over a lane whose memory goes."""
        for key in [key for key in self._steps if key[0] == lane.serial]:
            self._drop(key)

    def _made(self, lane: DeviceLane, shape: StepShape, words: Block | None) -> BoundStep:
        return BoundStep(
            self._device,
            self._queue,
            self._sessions[shape.graph],
            self._manifest.graphs[shape.graph],
            self._manifest.geometry,
            lane,
            shape,
            pad_id=self._manifest.special_tokens.pad_id,
            words=words,
        )

    def _words_for(self, shape: StepShape) -> Block | None:
        """One piece of memory for what all steps say of every word, as large as the largest."""
        if not shape.gives_words:
            return None
        nbytes = 4 * shape.rows * shape.tokens * self._manifest.geometry.vocab_size
        if self._words is None or self._words.nbytes < nbytes:
            for key in [key for key in self._steps if key[1].gives_words]:
                self._drop(key)
            self._words = None
            self._words = self._device.allocate(nbytes)
        return self._words

    def _drop(self, key: _Key) -> None:
        self.captures.forget(key)
        del self._steps[key]

    def _release(self, key: _Key, graph_id: int) -> None:
        self._sessions[key[1].graph].release_captured_graph(graph_id)
