"""Models for a machine without the exporter: weights from numbers, bundles made whole again."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.gpu.draw import draw, draw_all
from benchmarks.gpu.floor import StepBytes
from benchmarks.gpu.materials import STAMP, MaterialError, Materials, stamp
from benchmarks.gpu.thin import ThinError, fill, list_pieces, write_thin
from bundle.checksum import sha256_of
from bundle.manifest import MANIFEST_FILE, read_manifest

BUNDLE = Path("models/default/bundle-cpu-int8")
SHAPES = {
    "model.shared.weight": [300, 16],
    "model.encoder.embed_positions.weight": [34, 16],
    "model.encoder.layernorm_embedding.weight": [16],
    "model.encoder.layers.0.fc1.weight": [32, 16],
    "model.encoder.layers.0.fc1.bias": [32],
    "final_logits_bias": [1, 300],
}


def test_drawn_weights_are_the_same_every_time_and_finite_in_half_precision() -> None:
    drawn = draw_all(SHAPES)
    assert {name: list(values.shape) for name, values in drawn.items()} == SHAPES
    for name, values in drawn.items():
        assert values.dtype == np.float16
        assert np.isfinite(values).all()
        assert (values == draw(name, SHAPES[name])).all()
    assert (drawn["final_logits_bias"] == 0).all()
    assert abs(drawn["model.encoder.layernorm_embedding.weight"].mean() - 1) < 0.2


@settings(max_examples=30, deadline=None)
@given(
    forms=st.lists(
        st.tuples(
            st.sampled_from(sorted(SHAPES)),
            st.sampled_from(["float16", "float32"]),
            st.booleans(),
        ),
        max_size=6,
        unique=True,
    ),
    unknown=st.booleans(),
    gap=st.integers(0, 64),
)
def test_a_weights_file_is_made_again_from_the_checkpoint_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory,
    forms: list[tuple[str, str, bool]],
    unknown: bool,
    gap: int,
) -> None:
    folder = tmp_path_factory.mktemp("thin")
    bundle, tensors = folder / "bundle", draw_all(SHAPES)
    bundle.mkdir()
    shutil.copyfile(BUNDLE / MANIFEST_FILE, bundle / MANIFEST_FILE)
    contents = [_form(tensors[name], dtype, turned) for name, dtype, turned in forms]
    if unknown:
        contents.append(b"computed by the exporter")
    ranges, whole = {}, b""
    for content in contents:
        whole += b"\0" * gap
        ranges[len(whole)] = len(content)
        whole += content
    weights = bundle / read_manifest(bundle).weights_file
    weights.write_bytes(whole)

    pieces, literals = list_pieces(weights, ranges, tensors)
    write_thin(bundle, folder / "thin", pieces, literals)
    fill(folder / "thin", folder / "whole", tensors)

    assert literals == (b"computed by the exporter" if unknown else b"")
    made = folder / "whole" / weights.name
    assert made.read_bytes() == whole
    entry = read_manifest(folder / "whole").files[weights.name]
    assert (entry.sha256, entry.bytes) == (sha256_of(weights), len(whole))


def test_a_position_table_is_known_again_without_its_first_rows(tmp_path: Path) -> None:
    name = "model.encoder.embed_positions.weight"
    tensors = draw_all(SHAPES)
    content = tensors[name][2:].tobytes()
    (tmp_path / "weights.bin").write_bytes(content)
    pieces, literals = list_pieces(tmp_path / "weights.bin", {0: len(content)}, tensors)
    assert [(piece.name, piece.skipped_rows) for piece in pieces] == [(name, 2)]
    assert not literals


def test_a_bundle_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(9_000_000))
    with pytest.raises(ThinError, match=r"9000000 bytes of .* are not in the checkpoint"):
        list_pieces(tmp_path / "weights.bin", {0: 9_000_000}, draw_all(SHAPES))


def test_the_beams_of_a_document_read_its_source_once() -> None:
    step = StepBytes(weights=1000, per_source_token=10, per_written_token=1)
    assert step.at(rows=2, source=5, written=4) == 1000 + 2 * (50 + 4)
    assert step.at(rows=2, source=5, written=4, beams=4) == 1000 + 2 * (50 + 16)


def _form(values: np.ndarray, dtype: str, turned: bool) -> bytes:
    converted = values.astype(dtype)
    return (converted.T if turned and values.ndim == 2 else converted).tobytes()


def test_what_other_sources_have_prepared_is_not_taken_for_ours(tmp_path: Path) -> None:
    materials = Materials(tmp_path, "fp32")
    folder = tmp_path / "prepared" / "fp32" / "tiny-BART"
    folder.mkdir(parents=True)
    assert not materials.is_prepared("tiny BART")
    (folder / STAMP).write_text("of other sources", "utf-8")
    assert not materials.is_prepared("tiny BART")
    (folder / STAMP).write_text(stamp(), "utf-8")
    assert materials.is_prepared("tiny BART")


def test_a_model_that_cannot_be_prepared_says_why_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(MaterialError, match="tiny BART: it said nothing"):
        Materials(tmp_path, "fp32").prepare(["tiny BART"])
