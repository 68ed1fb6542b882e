"""From a checkpoint, a recipe and graph files to a manifest."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bundle.checksum import sha256_of
from bundle.manifest import (
    FORMAT_VERSION,
    FileEntry,
    Geometry,
    Manifest,
    Provenance,
    Verification,
)
from bundle.signature import expected_graphs
from export.package.constraints import BundleConstraints
from export.package.recipe import Recipe
from export.package.report import Report
from export.package.store import WEIGHTS_FILE
from export.package.styles import make_styles
from model.network.transformer import Summarizer

TOKENIZER_FILE = "tokenizer.json"
REPORT_FILE = "verification.json"
_EXPORTER_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")


def make_manifest(
    summarizer: Summarizer,
    checkpoint: Path,
    recipe: Recipe,
    constraints: BundleConstraints,
    precision: str,
    geometry: Geometry,
    directory: Path,
) -> Manifest:
    """Describes the files that lie in `directory`; not verified yet."""
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
        special_tokens=constraints.special_tokens,
        styles=make_styles(
            summarizer.config, directory / TOKENIZER_FILE, recipe, constraints.prefix_text
        ),
        default_style=recipe.default_style,
        limits=recipe.limits,
        graphs=expected_graphs(geometry),
        weights_file=WEIGHTS_FILE,
        tokenizer_file=TOKENIZER_FILE,
        files=file_entries(directory, files),
        provenance=Provenance(
            checkpoint_sha256=weights_sha256(checkpoint),
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


def weights_sha256(checkpoint: Path) -> str:
    """The checksum of model.safetensors; of the list of checksums where it comes in shards."""
    whole = checkpoint / "model.safetensors"
    if whole.exists():
        return sha256_of(whole)
    shards = sorted(checkpoint.glob("*.safetensors"))
    listed = "".join(f"{sha256_of(shard)}  {shard.name}\n" for shard in shards)
    return hashlib.sha256(listed.encode()).hexdigest()
