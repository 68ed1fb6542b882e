"""How much of an engine's step is spent inside onnxruntime, and how much is ours."""

import time
from collections.abc import Callable
from typing import Any

import onnxruntime


class SessionClock:
    """Listens to every session of this process, from its making on."""

    def __init__(self) -> None:
        self._decoder_s = 0.0
        self._decoder_runs = 0
        self._encodings_begun = self._encodings_now = 0
        self._is_encoder: dict[int, bool] = {}
        self._steps_s: list[float] = []
        self._inside_s: list[float] = []
        for name in ("run", "run_with_iobinding", "run_with_ort_values"):
            original = getattr(onnxruntime.InferenceSession, name)
            setattr(onnxruntime.InferenceSession, name, self._listened(original))

    def step(self, run_step: Callable[[], Any]) -> Any:
        """Runs a step of an engine; it counts if it only decoded."""
        decoder_s, begun = self._decoder_s, self._encodings_begun
        was_alone = self._encodings_now == 0
        started_s = time.perf_counter()
        outcome = run_step()
        seconds = time.perf_counter() - started_s
        inside_s = self._decoder_s - decoder_s
        if was_alone and begun == self._encodings_begun and inside_s:
            self._steps_s.append(seconds)
            self._inside_s.append(inside_s)
        return outcome

    def take(self) -> dict[str, float]:
        """Figures of what ran since the last time that they were taken."""
        steps_s, inside_s, runs = self._steps_s, self._inside_s, self._decoder_runs
        self._steps_s, self._inside_s, self._decoder_runs = [], [], 0
        figures: dict[str, float] = {"decoder_runs": runs}
        if steps_s:
            figures["mean_step_ms"] = sum(steps_s) / len(steps_s) * 1e3
            figures["host_share"] = 1 - sum(inside_s) / sum(steps_s)
        return figures

    def _listened(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(session: Any, *args: Any, **kwargs: Any) -> Any:
            if self._encodes(session):
                # It may run in a thread of its own, for many steps.
                self._encodings_begun += 1
                self._encodings_now += 1
                try:
                    return original(session, *args, **kwargs)
                finally:
                    self._encodings_now -= 1
            self._decoder_runs += 1
            started_s = time.perf_counter()
            try:
                return original(session, *args, **kwargs)
            finally:
                self._decoder_s += time.perf_counter() - started_s

        return run

    def _encodes(self, session: Any) -> bool:
        if id(session) not in self._is_encoder:
            names = [tensor.name for tensor in session.get_inputs()]
            self._is_encoder[id(session)] = "token_ids" not in names
        return self._is_encoder[id(session)]
