"""What a bundle says of a checkpoint that comes without a recipe, or with one for its styles."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.manifest import DecodingDefaults
from export.package.pack import weights_sha256
from export.package.recipe import Recipe, RecipeError, StyleRecipe, derive_recipe
from export.package.styles import make_styles
from model.checkpoints.checkpoint import load_checkpoint
from model.checkpoints.tokenizing import ensure_tokenizer
from model.network.config import ConfigError
from tests.export.family_bundles import MAX_POSITIONS, make_checkpoint
from tests.model.factories import DEFAULT_CHECKPOINT

DEFAULTS = DecodingDefaults(max_tokens=40, min_tokens=5, no_repeat_ngram_size=3)


def _derived(checkpoint: Path) -> Recipe:
    model = load_checkpoint(checkpoint)
    return derive_recipe(model, checkpoint, ensure_tokenizer(checkpoint), DEFAULTS)


def test_a_foreign_checkpoint_has_one_style_with_its_own_settings(tmp_path: Path) -> None:
    recipe = _derived(make_checkpoint("t5", tmp_path))
    assert recipe.name == "t5"
    assert recipe.license == "unknown"
    assert recipe.languages == ("und",)
    assert recipe.limits.max_source_tokens == MAX_POSITIONS - 1
    assert recipe.limits.max_summary_tokens == MAX_POSITIONS
    style = recipe.styles["summary"]
    settings = (style.max_tokens, style.min_tokens, style.no_repeat_ngram_size)
    assert settings == (40, 5, 3)


def test_the_best_checkpoint_of_a_run_is_named_after_the_run(tmp_path: Path) -> None:
    made = make_checkpoint("bart", tmp_path / "meetings")
    made.rename(made.with_name("step-00000120"))
    best = made.with_name("best")
    best.symlink_to("step-00000120")
    assert _derived(best).name == "meetings"


def test_a_source_may_be_longer_than_a_summary(tmp_path: Path) -> None:
    limits = _derived(make_checkpoint("led", tmp_path)).limits
    assert limits.max_source_tokens == MAX_POSITIONS - 2
    assert limits.max_summary_tokens == MAX_POSITIONS // 2


def test_a_network_that_learned_styles_has_them_all() -> None:
    recipe = _derived(DEFAULT_CHECKPOINT)
    assert set(recipe.styles) == {"brief", "headline", "detailed", "paper"}
    assert recipe.limits.max_source_tokens == 1022


def test_a_style_may_have_an_instruction_of_its_own(tmp_path: Path) -> None:
    checkpoint = make_checkpoint("flan-t5", tmp_path)
    model = load_checkpoint(checkpoint)
    told = StyleRecipe(description="A title.", max_tokens=9, prefix_text="Write a title: ")
    plain = StyleRecipe(description="A summary.", max_tokens=9)
    recipe = Recipe(
        **{**vars(_derived(checkpoint)), "styles": {"plain": plain, "title": told}},
    )
    tokenizer_file = ensure_tokenizer(checkpoint)
    with pytest.raises(RecipeError, match="'summary' is not among the styles"):
        make_styles(model.config, tokenizer_file, recipe, "summarize: ")
    recipe = Recipe(**{**vars(recipe), "default_style": "title"})
    styles = make_styles(model.config, tokenizer_file, recipe, "summarize: ")
    assert [(style.name, style.prefix_text) for style in styles] == [
        ("title", "Write a title: "),
        ("plain", "summarize: "),
    ]
    assert {(style.prefix_ids, style.suffix_ids) for style in styles} == {((), (1,))}


def test_a_style_whose_instruction_spells_a_special_token_is_refused(tmp_path: Path) -> None:
    checkpoint = make_checkpoint("t5", tmp_path)
    recipe = _derived(checkpoint)
    config, tokenizer_file = load_checkpoint(checkpoint).config, ensure_tokenizer(checkpoint)
    with pytest.raises(ConfigError, match="spells the special token '</s>'"):
        make_styles(config, tokenizer_file, recipe, "</s> ")


def test_the_weights_of_a_sharded_checkpoint_have_one_checksum(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.safetensors").write_text(name)
    listed = "".join(
        f"{hashlib.sha256(name.encode()).hexdigest()}  {name}.safetensors\n" for name in "ab"
    )
    assert weights_sha256(tmp_path) == hashlib.sha256(listed.encode()).hexdigest()


def test_a_checkpoint_that_cannot_be_exported_is_refused_without_a_trace(tmp_path: Path) -> None:
    checkpoint, output = tmp_path / "checkpoint", tmp_path / "bundle"
    checkpoint.mkdir()
    config = {"model_type": "bert", "architectures": ["BertModel"], "vocab_size": 9}
    (checkpoint / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "export", "--checkpoint", checkpoint, "--output", output]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("export: ")
    assert "BertModel" in ended.stderr.splitlines()[-1]
    assert not output.exists()
