"""The least time that a step can take: reading what it must read, once, at the speed of a copy."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class StepBytes:
    """What a decoder step reads of the device's memory, whoever takes it."""

    # Matrices of the decoder and the output, once for all rows.
    weights: int
    # Keys and values of the cross-attention, and what a copy head looks at, for each document.
    per_source_token: int
    # Keys and values of what a row has written.
    per_written_token: int

    def at(self, *, rows: int, source: float, written: float, beams: int = 1) -> float:
        """Bytes of a step; the beams of a document share its source."""
        row = self.per_source_token * source + self.per_written_token * written * beams
        return self.weights + rows * row

    def to_json(self) -> str:
        """As written to a file."""
        return json.dumps(asdict(self))


def read_step_bytes(path: Path) -> StepBytes:
    """As `to_json` wrote it."""
    return StepBytes(**json.loads(path.read_text("utf-8")))
