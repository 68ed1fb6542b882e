"""bundle.toml: how a model is presented, beside what its checkpoint says."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bundle.manifest import DecodingDefaults, Limits
from bundle.strict_json import parse


class RecipeError(ValueError):
    """bundle.toml cannot be used; says which key."""


@dataclass(frozen=True, kw_only=True)
class StyleRecipe(DecodingDefaults):
    """What to say about a style, and the decoding that suits it."""

    description: str
    # Before the document, in place of what the checkpoint says: "summarize: ", or an instruction.
    prefix_text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The whole of bundle.toml."""

    name: str
    version: str
    description: str
    license: str
    languages: tuple[str, ...]
    default_style: str
    limits: Limits
    styles: Mapping[str, StyleRecipe]
    # How an int8 bundle writes the matrices of its decoder: see export/passes/quantise/quantise.py.
    decoder_weights: Literal["rows", "blocks"] = "rows"


def read_recipe(path: Path) -> Recipe:
    """Reads bundle.toml, refusing unknown and missing keys."""
    try:
        return parse(Recipe, tomllib.loads(path.read_text("utf-8")), path.name)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: {error}") from error
