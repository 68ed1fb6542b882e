"""A checkpoint with weights that are no numbers makes no bundle."""

import math
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from export.pipeline import ExportConfig, ExportError, export_bundle
from tests.export.family_bundles import EXAMPLES, make_checkpoint


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_weight_that_is_no_number_is_named_and_nothing_is_written(
    tmp_path: Path, number: float
) -> None:
    checkpoint = make_checkpoint("bart", tmp_path)
    weights = load_file(checkpoint / "model.safetensors")
    weights["model.decoder.layers.0.fc1.weight"][0, 0] = number
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    config = ExportConfig(
        checkpoint=checkpoint, recipe=None, output=tmp_path / "bundle", documents=EXAMPLES
    )
    with pytest.raises(ExportError, match=r"bart: weight 'decoder.+' holds NaN or Inf"):
        export_bundle(config, progress=False)
    assert not (tmp_path / "bundle").exists()
