"""How a checkpoint of random weights is presented."""

import json
import sys
from pathlib import Path

from bundle.manifest import Limits
from export.package.recipe import Recipe, StyleRecipe


def random_recipe(checkpoint: Path, most_summary_tokens: int = sys.maxsize) -> Recipe:
    """One style, and the longest source and summary that the network has places for."""
    config = json.loads((checkpoint / "config.json").read_text("utf-8"))
    positions = config["max_position_embeddings"]
    return Recipe(
        name="random",
        version="1",
        description="Random weights.",
        license="unknown",
        languages=("und",),
        default_style="summary",
        limits=Limits(
            max_source_tokens=positions - 2,
            max_summary_tokens=min(positions, most_summary_tokens),
        ),
        styles={"summary": StyleRecipe(description="Nothing.", max_tokens=64)},
    )
