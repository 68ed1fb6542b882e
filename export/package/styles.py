"""The styles of a bundle: what the recipe calls them, with the ids that the checkpoint reads."""

from dataclasses import fields
from pathlib import Path

from bundle.decoding import wrong_defaults
from bundle.manifest import DecodingDefaults, Style
from export.package.recipe import Recipe, RecipeError, StyleRecipe
from model.checkpoints.source_template import read_source_template
from model.network.config import ModelConfig


def make_styles(
    config: ModelConfig, tokenizer_file: Path, recipe: Recipe, prefix_text: str
) -> tuple[Style, ...]:
    """The recipe's styles, the default one first.

    A network that learned styles has a token for each. Any other reads its document as its
    tokenizer wraps it, and `prefix_text` before that unless the style names a text of its own.
    """
    if recipe.default_style not in recipe.styles:
        raise RecipeError(f"default_style {recipe.default_style!r} is not among the styles")
    known = config.style_token_ids
    if known and (unknown := sorted(recipe.styles.keys() - known.keys())):
        raise RecipeError(
            f"the checkpoint has no style token for {unknown}; it has {sorted(known)}"
        )
    names = sorted(recipe.styles, key=lambda name: name != recipe.default_style)
    styles = []
    for name in names:
        style = recipe.styles[name]
        text = prefix_text if style.prefix_text is None else style.prefix_text
        template = read_source_template(tokenizer_file, config.end_id, text)
        styles.append(
            Style(
                name=name,
                description=style.description,
                prefix_ids=(known[name],) if known else template.prefix_ids,
                suffix_ids=(config.end_id,) if known else template.suffix_ids,
                defaults=_defaults(name, style),
                prefix_text=text or None,
            )
        )
    return tuple(styles)


def _defaults(name: str, style: StyleRecipe) -> DecodingDefaults:
    said = {field.name: getattr(style, field.name) for field in fields(DecodingDefaults)}
    defaults = DecodingDefaults(**said)
    if problems := wrong_defaults(defaults.said()):
        raise RecipeError(f"style {name!r}: {'; '.join(problems)}")
    return defaults
