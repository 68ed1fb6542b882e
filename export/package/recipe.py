"""How a model is presented: as bundle.toml has it, or as its checkpoint says of itself."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from os.path import abspath
from pathlib import Path
from typing import Literal

from bundle.manifest import DecodingDefaults, Limits
from bundle.strict_json import parse
from model.checkpoints.families import family_of
from model.checkpoints.source_template import read_source_template
from model.network.transformer import Summarizer

STYLE = "summary"
_NAMES_THAT_SAY_NOTHING = ("best", "last", "checkpoint")  # the first two are of a training run
_UNDETERMINED = "und"  # BCP 47's word for a language that nobody named


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
    # How an int8 bundle writes the matrices of its decoder: see export/passes/quantise/.
    decoder_weights: Literal["rows", "blocks"] = "rows"


def read_recipe(path: Path) -> Recipe:
    """Reads bundle.toml, refusing unknown and missing keys."""
    try:
        return parse(Recipe, tomllib.loads(path.read_text("utf-8")), path.name)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: {error}") from error


def derive_recipe(
    summarizer: Summarizer, checkpoint: Path, tokenizer_file: Path, defaults: DecodingDefaults
) -> Recipe:
    """One style, or one for each style token, as long as the network has positions for."""
    config = summarizer.config
    names = sorted(config.style_token_ids) or [STYLE]
    template = read_source_template(tokenizer_file, config.end_id)
    around = 2 if config.style_token_ids else template.added_tokens
    family = family_of(config).name
    parameters = sum(parameter.numel() for parameter in summarizer.parameters())
    return Recipe(
        name=_name(checkpoint),
        version="1",
        description=f"{family} checkpoint with {parameters / 1e6:.3g} M parameters.",
        license="unknown",
        languages=(_UNDETERMINED,),
        default_style=names[0],
        limits=Limits(
            max_source_tokens=config.max_positions - around,
            max_summary_tokens=config.max_target_positions,
        ),
        styles={
            name: StyleRecipe(
                description="As the checkpoint's own generation settings have it.",
                **defaults.said(),
            )
            for name in names
        },
    )


def _name(checkpoint: Path) -> str:
    """The directory's name; of one that says nothing, the name of what it is in.

    Links are not followed: `runs/meetings/best` is called meetings, wherever it leads.
    """
    path = Path(abspath(checkpoint))
    return path.parent.name if path.name in _NAMES_THAT_SAY_NOTHING else path.name
