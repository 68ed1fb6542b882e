"""Checkpoint in, verified bundle out."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from bundle.checksum import sha256_of
from bundle.load import load_bundle
from bundle.manifest import read_manifest
from bundle.signature import DECODER_TOKENS, expected_graphs
from export.package.recipe import RecipeError, read_recipe
from export.pipeline import ExportConfig, ExportError, export_bundle
from export.verify.compare import verify
from tests.export.family_bundles import FamilyBundle

ROOT = Path(__file__).parent.parent.parent
CHECKPOINT = ROOT / "models" / "default" / "checkpoint"
RECIPE = ROOT / "models" / "default" / "bundle.toml"
EMBEDDED = ROOT / "models" / "default" / "bundle-cpu-int8"


def test_the_fp32_bundle_was_verified_token_for_token(fp32_bundle: Path) -> None:
    manifest = load_bundle(fp32_bundle).manifest
    report = json.loads((fp32_bundle / "verification.json").read_text("utf-8"))
    assert manifest.precision == "fp32"
    assert report["passed"]
    assert report["tokens"] > 50
    assert report["agreement"] == report["equal_documents"] == 1.0


def test_the_decoders_keep_their_caches_in_place_and_tell_nothing_of_where_they_were_made(
    fp32_bundle: Path,
) -> None:
    layers = read_manifest(fp32_bundle).geometry.decoder_layers
    for name in ("decoder_step.onnx", "decoder_tokens.onnx"):
        model = onnx.load(str(fp32_bundle / name), load_external_data=False)
        kinds = Counter(node.op_type for node in model.graph.node)
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 24)]
        assert kinds["TensorScatter"] == kinds["Attention"] == 2 * layers
        assert str(ROOT).encode() not in model.SerializeToString()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_decoder_step_can_be_captured(precision: str, request: pytest.FixtureRequest) -> None:
    directory = EMBEDDED if precision == "int8" else request.getfixturevalue("fp32_bundle")
    model = onnx.load(str(directory / "decoder_step.onnx"), load_external_data=False)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["Shape"] == kinds["Range"] == 0


def test_every_graph_reads_the_one_weights_file_and_says_what_its_signature_does(
    fp32_bundle: Path,
) -> None:
    manifest = read_manifest(fp32_bundle)
    assert manifest.graphs == expected_graphs(manifest.geometry)
    for graph in manifest.graphs.values():
        model = onnx.load(str(fp32_bundle / graph.file), load_external_data=False)
        places = {
            entry.value
            for tensor in model.graph.initializer
            for entry in tensor.external_data
            if entry.key == "location"
        }
        assert places == {manifest.weights_file}, graph.file


def test_rebuilding_the_embedded_bundle_gives_its_weights_to_the_byte(
    default_bundles: Path,
) -> None:
    rebuilt = read_manifest(default_bundles / "int8")
    embedded = read_manifest(EMBEDDED)
    assert rebuilt.files[rebuilt.weights_file] == embedded.files[embedded.weights_file]
    assert (rebuilt.geometry, rebuilt.graphs) == (embedded.geometry, embedded.graphs)


def test_the_embedded_bundle_comes_from_the_embedded_checkpoint() -> None:
    found = sha256_of(CHECKPOINT / "model.safetensors")
    assert read_manifest(EMBEDDED).provenance.checkpoint_sha256 == found


def test_an_existing_bundle_is_not_overwritten_unasked(tmp_path: Path) -> None:
    config = ExportConfig(
        checkpoint=CHECKPOINT, recipe=RECIPE, output=tmp_path, documents=ROOT / "examples"
    )
    with pytest.raises(ExportError, match="exists already"):
        export_bundle(config, progress=False)


def test_force_replaces_a_bundle_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    config = ExportConfig(
        checkpoint=CHECKPOINT,
        recipe=RECIPE,
        output=tmp_path,
        documents=ROOT / "examples",
        force=True,
    )
    with pytest.raises(ExportError, match="is no bundle"):
        export_bundle(config, progress=False)
    assert (tmp_path / "thesis.txt").exists()


def test_a_bundle_that_says_something_else_than_the_model_fails_verification(
    fp32_bundle: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(fp32_bundle, damaged)
    content = bytearray((damaged / "weights.bin").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400_000] = bytes(400_000)
    (damaged / "weights.bin").write_bytes(content)
    text = (ROOT / "examples" / "arxiv_zh.txt").read_text("utf-8")
    report = verify(CHECKPOINT, damaged, [text[:200]])
    assert not report.passed
    assert any("encoder_relative_error" in problem for problem in report.problems)


def test_a_decoder_of_several_tokens_that_says_something_else_fails_verification(
    family_bundle: Callable[[str], FamilyBundle], tmp_path: Path
) -> None:
    made = family_bundle("bart")
    damaged = shutil.copytree(made.bundle.directory, tmp_path / "damaged")
    path = damaged / made.bundle.graph_path(DECODER_TOKENS).name
    graph_model = onnx.load(str(path), load_external_data=False)
    (told,) = [node for node in graph_model.graph.node if "top_log_probs" in node.output]
    assert told.op_type == "Log"
    told.op_type = "Exp"
    path.write_bytes(graph_model.SerializeToString())
    text = (ROOT / "examples" / "arxiv_zh.txt").read_text("utf-8")
    report = verify(made.checkpoint, damaged, [text[:20]])
    (problem,) = report.problems
    assert problem.startswith("decoder_tokens gives log-probabilities that differ by")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("license", "licence"), r"unknown keys \['licence'\]"),
        (('version = "1.0.0"', "version = 1"), "version must be of type str"),
        (("[limits]", "[limits"), r"bundle\.toml"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_key(
    tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    path = tmp_path / "bundle.toml"
    path.write_text(RECIPE.read_text("utf-8").replace(*change, 1), "utf-8")
    with pytest.raises(RecipeError, match=problem):
        read_recipe(path)
