"""Eight-bit bundles of several families say nearly what their checkpoints say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import onnx
import pytest

from bundle.manifest import Geometry
from export import pipeline
from export.package.report import TOLERANCES
from export.passes.quantise.quantise import quantise
from export.verify.compare import verify
from tests.export.converting import converting_once
from tests.export.family_bundles import make_bundle, make_checkpoint, tame
from tests.export.serving import DOCUMENTS


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        ("bart", {"d_model": 64, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128}),
        # No whole number of blocks wide, so its embedding stays in float32.
        ("pegasus", {"d_model": 96, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128}),
        ("flan-t5", {"d_model": 64, "d_kv": 24, "d_ff": 128}),
    ],
)
@converting_once()
def test_eight_bits_say_nearly_the_same_by_rows_and_by_blocks(
    family: str, sizes: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = make_checkpoint(family, tmp_path, **sizes)
    tame(checkpoint)
    forms: tuple[Literal["rows", "blocks"], ...] = ("rows", "blocks")
    for form in forms:

        def quantise_so(
            graphs: Mapping[str, onnx.ModelProto],
            geometry: Geometry,
            _: str,
            form: Literal["rows", "blocks"] = form,
        ) -> Geometry:
            return quantise(graphs, geometry, form)

        monkeypatch.setattr(pipeline, "quantise", quantise_so)
        made = make_bundle(checkpoint, "int8")
        assert made.bundle.manifest.geometry.int8_cross
        report = verify(checkpoint, made.bundle.directory, DOCUMENTS)
        assert report.encoder_relative_error <= TOLERANCES["int8"].encoder_relative_error
        limit = TOLERANCES["int8"].mean_log_probability_difference
        assert report.mean_log_probability_difference <= limit
        # Random weights prefer hardly anything: another token is chosen only in place of a
        # near-tie.
        assert report.largest_margin_at_disagreement < 4 * limit, report
        made.bundle.directory.rename(tmp_path / form)
