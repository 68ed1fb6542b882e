"""A recipe made from what a checkpoint says of itself, for one that comes without bundle.toml."""

from os.path import abspath
from pathlib import Path

from bundle.manifest import DecodingDefaults, Limits
from export.package.recipe import Recipe, StyleRecipe
from model.checkpoints.families import family_of
from model.checkpoints.source_template import read_source_template
from model.network.transformer import Summarizer

STYLE = "summary"
_NAMES_THAT_SAY_NOTHING = ("best", "last", "checkpoint")  # the first two are of a training run
_UNDETERMINED = "und"  # BCP 47's word for a language that nobody named


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
