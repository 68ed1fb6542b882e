"""Checkpoint in, bundle out: load, convert, quantise, store, verify, pack."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from bundle.load import load_bundle
from bundle.manifest import MANIFEST_FILE, Manifest, write_manifest
from bundle.signature import DECODER_AHEAD, DECODER_STEP, DECODER_TOKENS, ENCODER
from export.graphs.convert import (
    export_decoder_ahead,
    export_decoder_step,
    export_decoder_tokens,
    export_encoder,
    geometry_of,
)
from export.package.constraints import bundle_constraints
from export.package.pack import REPORT_FILE, TOKENIZER_FILE, file_entries, make_manifest, summary_of
from export.package.recipe import Recipe, derive_recipe, read_recipe
from export.package.report import TOLERANCES, Report
from export.package.store import save_graphs
from export.passes.quantise.quantise import quantise
from export.passes.shapeless import drop_shapes
from export.passes.slices import cut_encoder, drop_cuts
from export.precision import is_for_device, round_weights
from export.verify.cuda_kernels import nodes_without_kernel
from model.checkpoints.checkpoint import load_checkpoint
from model.checkpoints.generation_defaults import read_generation_defaults, with_room
from model.checkpoints.serving_limits import unexportable
from model.checkpoints.tokenizing import ensure_tokenizer, fitting
from model.network.config import ModelConfig
from model.network.transformer import Summarizer
from model.progress import ProgressBar

PRECISIONS = tuple(TOLERANCES)
_KEEPS_VALUES = " (--precision fp32 keeps PyTorch's values)"
_HINTS = {
    "int8": _KEEPS_VALUES,
    "bf16": _KEEPS_VALUES,
    "fp16": " (--precision bf16 has float32's range)",
}


class ExportError(RuntimeError):
    """The bundle could not be made, or does not say what the model says."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """What to make of what."""

    checkpoint: Path
    recipe: Path | None  # None: derived from the checkpoint
    output: Path
    documents: Path
    precision: str = "int8"
    force: bool = False


def export_bundle(config: ExportConfig, *, progress: bool = True) -> Report:
    """Makes a bundle; an existing one is replaced only by force, and only by a verified one."""
    if config.output.exists() and not config.force:
        raise ExportError(f"{config.output} exists already; --force replaces it")
    if config.output.exists() and not (config.output / MANIFEST_FILE).is_file():
        raise ExportError(f"{config.output} is no bundle, so --force does not replace it")
    recipe = None if config.recipe is None else read_recipe(config.recipe)
    config.output.parent.mkdir(parents=True, exist_ok=True)
    stages = 8 if is_for_device(config.precision) else 7
    with (
        tempfile.TemporaryDirectory(dir=config.output.parent, prefix=".export-") as scratch,
        ProgressBar(total=stages, desc="load", unit="stage", disable=not progress) as bar,
    ):
        directory = Path(scratch) / "bundle"
        directory.mkdir()

        def stage(name: str) -> None:
            bar.update()
            bar.set_description(name)

        manifest = build_unverified(config, recipe, directory, stage)
        stage("verify")
        report = _verify(config, directory)
        files = {**manifest.files, **file_entries(directory, [REPORT_FILE])}
        write_manifest(directory, replace(manifest, files=files, verification=summary_of(report)))
        load_bundle(directory)
        _replace(config.output, directory)
        bar.update()
    return report


def build_unverified(
    config: ExportConfig,
    recipe: Recipe | None,
    directory: Path,
    stage: Callable[[str], None] = lambda name: None,
) -> Manifest:
    """All that makes a bundle but its verification, in an empty directory."""
    summarizer = load_checkpoint(config.checkpoint)
    _refuse_what_is_no_number(summarizer, config.checkpoint)
    _write_tokenizer(config.checkpoint, summarizer.config, directory / TOKENIZER_FILE)
    generation = read_generation_defaults(config.checkpoint, summarizer.config)
    summarizer.config = with_room(summarizer.config, generation.options)
    constraints = bundle_constraints(directory / TOKENIZER_FILE, summarizer.config, generation)
    if recipe is None:
        recipe = derive_recipe(
            summarizer, config.checkpoint, directory / TOKENIZER_FILE, constraints.defaults
        )
    round_weights(summarizer, config.precision)
    for_device = is_for_device(config.precision)
    graphs = _convert(summarizer, stage, for_device)
    stage("quantise")
    geometry = geometry_of(summarizer)
    if config.precision == "int8":
        geometry = quantise(graphs, geometry, recipe.decoder_weights)
    if for_device:
        geometry = replace(geometry, device_loop=True)
    if geometry.float_type:
        _refuse_what_no_device_runs(graphs)
    stage("store")
    # Cut last, so that the weights lie in the file as the whole graphs have them.
    slices = {} if geometry.float_type else cut_encoder(graphs[ENCODER], geometry)
    drop_cuts(graphs[ENCODER], geometry)
    save_graphs({f"{name}.onnx": graph for name, graph in (graphs | slices).items()}, directory)
    manifest = make_manifest(
        summarizer, config.checkpoint, recipe, constraints, config.precision, geometry, directory
    )
    write_manifest(directory, manifest)
    return manifest


def refuse_unexportable(config: ModelConfig) -> None:
    """Raises `ExportError` naming the key of config.json whose attention exists in PyTorch only."""
    if problems := unexportable(config):
        raise ExportError(f"config.json: {'; '.join(problems)}")


def _refuse_what_is_no_number(summarizer: Summarizer, checkpoint: Path) -> None:
    """Here, where the weights still have the checkpoint's names; quantising would only warn."""
    for name, weight in summarizer.state_dict().items():
        if not weight.isfinite().all():
            raise ExportError(f"{checkpoint}: weight {name!r} holds NaN or Inf")


def _refuse_what_no_device_runs(graphs: Mapping[str, onnx.ModelProto]) -> None:
    for name, graph_model in graphs.items():
        if problems := nodes_without_kernel(graph_model):
            raise ExportError(f"{name} cannot run on a CUDA device: {'; '.join(problems)}")


def _convert(
    summarizer: Summarizer, stage: Callable[[str], None], for_device: bool
) -> dict[str, onnx.ModelProto]:
    refuse_unexportable(summarizer.config)
    converters = {
        ENCODER: export_encoder,
        DECODER_STEP: export_decoder_step,
        DECODER_TOKENS: export_decoder_tokens,
    }
    if for_device:
        converters[DECODER_AHEAD] = export_decoder_ahead
    graphs = {}
    for name, convert in converters.items():
        stage(f"convert {name}")
        graphs[name] = convert(summarizer)
    if for_device:
        drop_shapes(graphs[DECODER_TOKENS])
    return graphs


def _write_tokenizer(checkpoint: Path, config: ModelConfig, target: Path) -> None:
    """Copies the checkpoint's tokenizer, less the special tokens that it has no embedding for."""
    # Never into the checkpoint: that may be somebody else's, and not ours to write to.
    source = ensure_tokenizer(checkpoint, output=target.parent)
    content = json.loads(source.read_text("utf-8"))
    fitted = fitting(content, config.vocabulary_size, source)
    if fitted is not content:
        target.write_text(json.dumps(fitted, ensure_ascii=False, indent=2) + "\n", "utf-8")
    elif source != target:
        shutil.copyfile(source, target)


def _verify(config: ExportConfig, directory: Path) -> Report:
    report_file = directory / REPORT_FILE
    command = [sys.executable, "-m", "export.verify", str(config.checkpoint), str(directory)]
    command += ["--documents", str(config.documents), "--report", str(report_file)]
    outcome = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - our own module
    if not report_file.exists():
        raise ExportError(f"verification ended with exit code {outcome.returncode} and no report")
    content = json.loads(report_file.read_text("utf-8"))
    passed = content.pop("passed")
    if not passed:
        problems = "; ".join(content["problems"])
        hint = _HINTS.get(config.precision, "")
        raise ExportError(f"the bundle was not written: {problems}{hint}")
    return Report(**content)


def _replace(output: Path, directory: Path) -> None:
    """Puts the new bundle in place by renaming: there is the old one or the new one, never half."""
    if output.exists():
        output.rename(directory.with_name("replaced"))
    directory.rename(output)
