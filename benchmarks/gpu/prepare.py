"""Makes all of a model that needs no GPU: its graphs, without the weights, and its sizes.

`python -m benchmarks.gpu.prepare GEOMETRY PRECISION TARGET`, in a process of its own that gives its
memory back. PyTorch and the exporter are needed here and not where the figures are taken.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import onnx
from safetensors.numpy import load_file, save_file

from benchmarks.gpu.draw import draw_all
from benchmarks.gpu.floor import StepBytes
from benchmarks.gpu.geometry import DEFAULT_CHECKPOINT, GEOMETRIES
from benchmarks.gpu.thin import list_pieces, write_thin
from benchmarks.random_recipe import random_recipe
from bundle.manifest import Manifest
from bundle.signature import DECODER_AHEAD
from export.package.recipe import read_recipe

WEIGHTS = "model.safetensors"
SHAPES, FLOOR = "shapes.json", "floor.json"
_RECIPE = Path("models/default/bundle.toml")
# They end where a cache of 256 is full: a row holds memory for the longest.
_MOST_SUMMARY_TOKENS = 254


def prepare(geometry: str, precision: str, target: Path) -> None:
    """Writes TARGET/checkpoint (without weights if they are random), TARGET/bundle and sizes."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".prepare-") as scratch:
        checkpoint, bundle = Path(scratch) / "checkpoint", Path(scratch) / "bundle"
        sizes = GEOMETRIES[geometry].bart_sizes
        if sizes is None:
            checkpoint = DEFAULT_CHECKPOINT
        else:
            shapes = write_random_checkpoint(sizes, checkpoint)
            (target / SHAPES).write_text(json.dumps(shapes), "utf-8")
            shutil.copytree(
                checkpoint, target / "checkpoint", ignore=shutil.ignore_patterns(WEIGHTS)
            )
        manifest = _export(checkpoint, precision, bundle)
        tensors = load_file(checkpoint / WEIGHTS)
        ranges = _external_ranges(bundle, manifest)
        pieces, literals = list_pieces(bundle / manifest.weights_file, ranges, tensors)
        write_thin(bundle, target / "bundle", pieces, literals)
        floor = _step_bytes(bundle, manifest)
        (target / FLOOR).write_text(floor.to_json(), "utf-8")


def write_random_checkpoint(sizes: dict[str, Any], directory: Path) -> dict[str, list[int]]:
    """A BART of these sizes with drawn weights; returns the shapes that they were drawn in."""
    import torch
    import transformers

    from benchmarks.family_checkpoints import write_byte_tokenizer

    config = transformers.BartConfig(**sizes)
    with torch.device("meta"):
        model = transformers.BartForConditionalGeneration(config)
    # Parameters, of which transformers names a tied one once, and the bias that is none.
    tensors = {**dict(model.named_parameters()), "final_logits_bias": model.final_logits_bias}
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    directory.mkdir()
    config.architectures = ["BartForConditionalGeneration"]
    config.forced_eos_token_id = config.forced_bos_token_id = None
    config.dtype = "float16"
    config.save_pretrained(directory)
    ids = ("pad_token_id", "eos_token_id", "decoder_start_token_id")
    generation = {key: getattr(config, key) for key in ids}
    (directory / "generation_config.json").write_text(json.dumps(generation), "utf-8")
    save_file(draw_all(shapes), directory / WEIGHTS, metadata={"format": "pt"})
    write_byte_tokenizer(config, directory / "tokenizer.json")
    return shapes


def _export(checkpoint: Path, precision: str, target: Path) -> Manifest:
    """As the exporter makes it; random weights would fail its verification."""
    from export.pipeline import ExportConfig, build_unverified

    target.mkdir()
    config = ExportConfig(
        checkpoint=checkpoint,
        recipe=None,
        output=target,
        documents=Path("examples"),  # read by the verification, which is left out
        precision=precision,
    )
    is_default = checkpoint == DEFAULT_CHECKPOINT
    recipe = read_recipe(_RECIPE) if is_default else random_recipe(checkpoint, _MOST_SUMMARY_TOKENS)
    return build_unverified(config, recipe, target)


def _external_ranges(bundle: Path, manifest: Manifest) -> dict[int, int]:
    """Offset to length of everything that the graphs have in the weights file."""
    return {
        place.offset: place.length
        for graph in manifest.graphs.values()
        for place in _places(bundle / graph.file).values()
    }


def _step_bytes(bundle: Path, manifest: Manifest) -> StepBytes:
    """What a decoder step cannot but read. Of a table that is looked up in, only a row is."""
    name = DECODER_AHEAD if DECODER_AHEAD in manifest.graphs else "decoder_step"
    file = bundle / manifest.graphs[name].file
    graph = onnx.load(str(file), load_external_data=False).graph
    places = _places(file)
    multiplied = {
        tensor for node in graph.node if node.op_type != "Gather" for tensor in node.input
    }
    read = {place.offset: place.length for key, place in places.items() if key in multiplied}
    geometry = manifest.geometry
    item = 4 if geometry.float_type is None else 2
    width = geometry.heads * geometry.head_dim
    states = geometry.d_model * item if geometry.copy_head else 0
    return StepBytes(
        weights=sum(read.values()),
        per_source_token=2 * geometry.decoder_layers * width * item + states,
        per_written_token=2 * geometry.decoder_layers * width * item,
    )


def _places(file: Path) -> dict[str, Any]:
    graph = onnx.load(str(file), load_external_data=False).graph
    return {
        tensor.name: onnx.external_data_helper.ExternalDataInfo(tensor)
        for tensor in graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }


def main() -> None:
    """Prepares what the command line says."""
    geometry, precision, target = sys.argv[1:]
    prepare(geometry, precision, Path(target))


if __name__ == "__main__":
    main()
