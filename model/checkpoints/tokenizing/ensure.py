"""Finds the tokenizer.json of a checkpoint, or builds it from what there is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from bundle.errors import BundleError
from bundle.tokenizer import BundleTokenizer
from model.checkpoints.tokenizing.declared import Declared, TokenizerError, read_json_object
from model.checkpoints.tokenizing.families import RECIPES, Recipe
from model.checkpoints.tokenizing.fitting import fitting, token_ids

TOKENIZER_FILE = "tokenizer.json"


def ensure_tokenizer(directory: Path, output: Path | None = None) -> Path:
    """Where the checkpoint's tokenizer.json lies; one that it lacks is built.

    It is written into the checkpoint directory, or into `output` where that is given (for a
    checkpoint that must not be changed). Raises TokenizerError when there is nothing to build it
    from, and when the network has no embedding for an id that text can turn into.
    """
    declared = Declared(directory)
    path = directory / TOKENIZER_FILE
    if path.is_file():
        fitting(_read(path), declared.embedding_rows, path)
        return path
    built = json.loads(_build(declared).to_str())
    content = fitting(built, declared.embedding_rows, directory)
    path = (output or directory) / TOKENIZER_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")  # a half-written file must not be found next time
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def describe(directory: Path) -> str:
    """One sentence: which tokenizer a checkpoint has, or would get."""
    if problem := tokenizer_problem(directory):
        return f"none: {problem}"
    path = directory / TOKENIZER_FILE
    if path.is_file():
        content = _read(path)
        return f"{TOKENIZER_FILE}: {content['model']['type']}, {len(token_ids(content))} tokens"
    recipe, _ = _recipe(Declared(directory))
    return f"none yet; it is built from {' and '.join(recipe.files)} when it is needed"


def tokenizer_problem(directory: Path) -> str | None:
    """Why a checkpoint has no tokenizer that works and can get none; None if all is well."""
    path = directory / TOKENIZER_FILE
    try:
        if path.is_file():
            fitting(_read(path), Declared(directory).embedding_rows, path)
            BundleTokenizer(path)
        else:
            _refuse_missing(Declared(directory))
    except (TokenizerError, BundleError) as error:
        return str(error)
    return None


def _build(declared: Declared) -> Tokenizer:
    tokenizer = _refuse_missing(declared).build(declared)
    for token_id, token in declared.added_tokens().items():
        _add(tokenizer, declared, token_id, token)
    return tokenizer


def _refuse_missing(declared: Declared) -> Recipe:
    recipe, missing = _recipe(declared)
    if missing:
        raise TokenizerError(
            f"{declared.directory} has no {TOKENIZER_FILE}, and to build one for a "
            f"{declared.family} checkpoint no {' and no '.join(missing)}"
        )
    return recipe


def _recipe(declared: Declared) -> tuple[Recipe, list[str]]:
    """How to build a tokenizer, and which of the files for it are missing."""
    recipe = RECIPES.get(declared.family)
    if recipe is None:
        raise TokenizerError(
            f"{declared.directory} has no {TOKENIZER_FILE}, and none can be built for model_type "
            f"{declared.family!r}, only for {', '.join(sorted(RECIPES))}"
        )
    return recipe, [name for name in recipe.files if not declared.path(name).is_file()]


def _add(tokenizer: Tokenizer, declared: Declared, token_id: int, token: Mapping[str, Any]) -> None:
    """Give a token that was added to the vocabulary the id that the checkpoint says it has."""
    text, special = token["content"], token["special"]
    flags = {
        name: token[name]
        for name in ("single_word", "lstrip", "rstrip", "normalized")
        if name in token
    }
    add = tokenizer.add_special_tokens if special else tokenizer.add_tokens
    add([AddedToken(text, special=special, **flags)])
    if (given := tokenizer.token_to_id(text)) != token_id:
        raise TokenizerError(
            f"{declared.directory}: the added token {text!r} should have id {token_id}, but its "
            f"place in the vocabulary is {given}"
        )


def _read(path: Path) -> Mapping[str, Any]:
    content = read_json_object(path)
    if missing := {"model", "added_tokens"} - content.keys():
        raise TokenizerError(f"{path} is no tokenizer: it lacks {', '.join(sorted(missing))}")
    return content
