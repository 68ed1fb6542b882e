"""The models of the comparison: their sizes, and where their weights come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu import cases
from benchmarks.tiny_sizes import TINY_SIZES

DEFAULT_CHECKPOINT = Path("models/default/checkpoint")


@dataclass(frozen=True)
class Geometry:
    """A model by its sizes."""

    # What differs from BartConfig, whose defaults are BART-large's; None: the embedded default,
    # with the weights that it was trained to.
    bart_sizes: dict[str, Any] | None

    @property
    def is_whole_for_others(self) -> bool:
        """Whether others compute the same: nobody else has the embedded default's copy head."""
        return self.bart_sizes is not None


GEOMETRIES = {
    cases.BART_LARGE: Geometry({"vocab_size": 50264}),
    cases.DISTILBART: Geometry({"vocab_size": 50264, "decoder_layers": 6}),
    cases.DEFAULT: Geometry(None),
    cases.TINY: Geometry(TINY_SIZES),
    cases.TINY_DEFAULT: Geometry(None),
}


def folder_of(geometry: str) -> str:
    """Its name as that of a folder."""
    return geometry.replace(" ", "-")
