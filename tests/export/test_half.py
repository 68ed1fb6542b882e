"""Bundles in half precision: small, for a device, and as near to PyTorch as rounding allows."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from bundle.signature import DECODER_AHEAD, DECODER_STEP, DECODER_TOKENS, ENCODER
from export.pipeline import ExportConfig, build_unverified
from export.precision import PrecisionError, round_weights
from export.verify.compare import verify
from export.verify.cuda_kernels import nodes_without_kernel
from export.verify.widen import widen
from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tests.export.family_bundles import (
    EXAMPLES,
    FamilyBundle,
    give_copy_head,
    make_bundle,
    make_checkpoint,
    tame,
)
from tests.made_once import MadeOnce

DOCUMENT = "The cat sat on the mat."
FORMS = [("distilbart", "fp16"), ("t5, copying", "bf16")]


@pytest.fixture(scope="module", params=FORMS, ids=" in ".join)
def made(request: pytest.FixtureRequest, made_once: MadeOnce) -> FamilyBundle:
    name, precision = request.param
    family, _, copies = name.partition(", ")

    def make(directory: Path) -> None:
        checkpoint = make_checkpoint(family, directory)
        tame(checkpoint)
        if copies:
            give_copy_head(checkpoint)
        make_bundle(checkpoint, precision)

    return FamilyBundle.of(made_once.directory(precision, make) / family, precision)


def test_a_bundle_in_half_precision_says_what_pytorch_says(made: FamilyBundle) -> None:
    report = verify(made.checkpoint, made.bundle.directory, [DOCUMENT])
    assert report.problems == []
    assert report.tokens > 10
    assert report.same_type_tokens is not None
    assert report.same_type_tokens > 10
    assert 0 < report.encoder_relative_error < 0.03


def test_a_damaged_bundle_in_half_precision_fails_verification(
    made: FamilyBundle, tmp_path: Path
) -> None:
    damaged = shutil.copytree(made.bundle.directory, tmp_path / "damaged")
    path = damaged / made.bundle.graph_path(DECODER_AHEAD).name
    graph_model = onnx.load(str(path), load_external_data=False)
    (told,) = [node for node in graph_model.graph.node if "top_log_probs" in node.output]
    told.op_type = "Exp"
    path.write_bytes(graph_model.SerializeToString())
    report = verify(made.checkpoint, damaged, [DOCUMENT])
    (problem,) = report.problems
    assert problem.startswith("decoder_ahead gives log-probabilities that differ by")


def test_it_has_whole_graphs_alone_and_each_runs_on_a_cuda_device(made: FamilyBundle) -> None:
    manifest = made.bundle.manifest
    assert manifest.graphs.keys() == {ENCODER, DECODER_STEP, DECODER_TOKENS, DECODER_AHEAD}
    for name, spec in manifest.graphs.items():
        graph_model = onnx.load(str(made.bundle.graph_path(name)))
        assert nodes_without_kernel(graph_model) == [], name
        kinds = {node.op_type for node in graph_model.graph.node}
        assert name == ENCODER or not kinds & {"Shape", "Range", "Expand"}, name
        told = {tensor.name: tensor.dtype for tensor in spec.outputs}
        assert told.get("top_log_probs", "float32") == "float32"


def test_it_takes_about_half_the_room(made: FamilyBundle) -> None:
    parameters = load_checkpoint(made.checkpoint).state_dict().values()
    weights = made.bundle.directory / made.bundle.manifest.weights_file
    numbers = sum(tensor.numel() for tensor in parameters)
    # Buffers beside the parameters, the copy head in float32 and the alignment of each.
    assert weights.stat().st_size < 3 * numbers


def test_t5_is_refused_in_fp16_and_told_of_bf16(tmp_path: Path) -> None:
    checkpoint = make_checkpoint("t5", tmp_path)
    directory = tmp_path / "bundle"
    directory.mkdir()
    config = ExportConfig(
        checkpoint=checkpoint, recipe=None, output=directory, documents=EXAMPLES, precision="fp16"
    )
    with pytest.raises(PrecisionError, match=r"T5 .*--precision bf16"):
        build_unverified(config, None, directory)


def test_a_weight_that_float16_cannot_hold_is_named(tmp_path: Path) -> None:
    checkpoint = make_checkpoint("bart", tmp_path)
    summarizer = load_checkpoint(checkpoint)
    with torch.no_grad():
        summarizer.decoder.layers[0].feed_forward.inner.weight[0, 0] = 70_000
    save_checkpoint(summarizer, checkpoint, torch.float32)
    expected = r"decoder.layers.0.feed_forward.inner.weight' holds 70000, at most 65504 fits"
    with pytest.raises(PrecisionError, match=expected):
        round_weights(load_checkpoint(checkpoint), "fp16")
    round_weights(summarizer, "bf16")
    assert summarizer.embedding.tokens.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("op_type", "data_type", "problem"),
    [
        ("ArgMax", TensorProto.FLOAT, None),
        ("ArgMax", TensorProto.BFLOAT16, "ArgMax (version 13) of BFLOAT16 has no CUDA kernel"),
        ("Relu", TensorProto.BFLOAT16, None),
        ("NonZero", TensorProto.FLOAT, "NonZero is not among the operators known to have"),
    ],
)
def test_a_node_without_a_cuda_kernel_is_named(
    op_type: str, data_type: int, problem: str | None
) -> None:
    found = nodes_without_kernel(_of_one_node(op_type, data_type, opset=24))
    assert [each.startswith(problem or "") for each in found] == [True] * bool(problem)


def test_a_kernel_of_an_older_version_is_not_taken_for_a_newer_one() -> None:
    assert nodes_without_kernel(_of_one_node("Transpose", TensorProto.FLOAT, opset=24)) == []
    (problem,) = nodes_without_kernel(_of_one_node("Transpose", TensorProto.FLOAT, opset=21))
    assert problem == "Transpose (version 21) of FLOAT has no CUDA kernel"


def test_widening_rounds_nothing_more_and_leaves_no_bfloat16() -> None:
    graph_model = _of_one_node("Cast", TensorProto.FLOAT, opset=24, to=TensorProto.BFLOAT16)
    values = torch.tensor([1.0, 3.1415926]).bfloat16()
    graph_model.graph.initializer.append(
        helper.make_tensor("w", TensorProto.BFLOAT16, [2], values.float().tolist())
    )
    widen(graph_model)
    (tensor,) = graph_model.graph.initializer
    assert tensor.data_type == graph_model.graph.node[0].attribute[0].i == TensorProto.FLOAT
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), values.float().numpy())


def _of_one_node(op_type: str, data_type: int, opset: int, **attributes: int) -> onnx.ModelProto:
    given = [helper.make_tensor_value_info("x", data_type, [2, 3])]
    told = [helper.make_empty_tensor_value_info("y")]
    node = helper.make_node(op_type, ["x"], ["y"], **attributes)
    graph = helper.make_graph([node], "g", given, told)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
