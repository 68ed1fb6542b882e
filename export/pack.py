"""From a checkpoint, a recipe and graph files to a manifest."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bundle.checksum import sha256_of
from bundle.manifest import (
    FORMAT_VERSION,
    DecodingDefaults,
    FileEntry,
    Manifest,
    Provenance,
    Style,
    Verification,
)
from bundle.signature import expected_graphs
from export.constraints import bundle_constraints
from export.convert import geometry_of
from export.recipe import Recipe, RecipeError
from export.store import WEIGHTS_FILE
from export.verify import Report
from model.generation_defaults import read_generation_defaults
from model.transformer import Summarizer

TOKENIZER_FILE = "tokenizer.json"
REPORT_FILE = "verification.json"
_EXPORTER_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")


def make_manifest(
    summarizer: Summarizer, checkpoint: Path, recipe: Recipe, precision: str, directory: Path
) -> Manifest:
    """Describes the files that lie in `directory`; not verified yet."""
    config, geometry = summarizer.config, geometry_of(summarizer)
    generation = read_generation_defaults(checkpoint, config)
    files = sorted(path.name for path in directory.iterdir())
    return Manifest(
        format_version=FORMAT_VERSION,
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        license=recipe.license,
        precision=precision,
        languages=recipe.languages,
        geometry=geometry,
        special_tokens=bundle_constraints(checkpoint, config, generation).special_tokens,
        styles=_styles(summarizer, recipe),
        default_style=recipe.default_style,
        limits=recipe.limits,
        graphs=expected_graphs(geometry),
        weights_file=WEIGHTS_FILE,
        tokenizer_file=TOKENIZER_FILE,
        files=file_entries(directory, files),
        provenance=Provenance(
            checkpoint_sha256=sha256_of(checkpoint / "model.safetensors"),
            exporter={package: version(package) for package in _EXPORTER_PACKAGES},
        ),
    )


def file_entries(directory: Path, files: Sequence[str]) -> dict[str, FileEntry]:
    """Checksums and sizes."""
    return {
        name: FileEntry(sha256=sha256_of(directory / name), bytes=(directory / name).stat().st_size)
        for name in files
    }


def summary_of(report: Report) -> Verification:
    """What the manifest keeps of the verification."""
    return Verification(
        passed=report.passed,
        report_file=REPORT_FILE,
        documents=report.documents,
        greedy_tokens_equal=report.equal_documents,
        largest_log_probability_difference=report.largest_log_probability_difference,
    )


def _styles(summarizer: Summarizer, recipe: Recipe) -> tuple[Style, ...]:
    """The recipe's styles, the default one first."""
    config = summarizer.config
    if unknown := sorted(recipe.styles.keys() - config.style_token_ids.keys()):
        known = sorted(config.style_token_ids)
        raise RecipeError(f"the checkpoint has no style token for {unknown}; it has {known}")
    if recipe.default_style not in recipe.styles:
        raise RecipeError(f"default_style {recipe.default_style!r} is not among the styles")
    names = sorted(recipe.styles, key=lambda name: name != recipe.default_style)
    return tuple(
        Style(
            name=name,
            description=recipe.styles[name].description,
            prefix_ids=(config.style_token_ids[name],),
            suffix_ids=(config.end_id,),
            defaults=DecodingDefaults(
                max_tokens=recipe.styles[name].max_tokens,
                min_tokens=recipe.styles[name].min_tokens,
                no_repeat_ngram_size=recipe.styles[name].no_repeat_ngram_size,
            ),
        )
        for name in names
    )
