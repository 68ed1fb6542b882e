"""A bundle is used whole and unharmed, or not at all."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle import BundleError, load_bundle
from bundle.manifest import read_manifest, write_manifest
from bundle.onnx_tensors import FileRange, float_tensors
from tests.bundle.conftest import DEFAULT_BUNDLE

MakeBundle = Callable[..., Path]


def test_the_embedded_bundle_loads_and_knows_its_styles() -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    assert [style.name for style in bundle.manifest.styles] == [
        "brief",
        "headline",
        "detailed",
        "paper",
    ]
    assert bundle.manifest.verification is not None
    assert bundle.manifest.verification.passed


def test_the_embedded_bundle_is_smaller_than_55_mb() -> None:
    assert sum(path.stat().st_size for path in DEFAULT_BUNDLE.iterdir()) < 55e6


def test_a_manifest_is_written_as_it_was_read(tmp_path: Path) -> None:
    write_manifest(tmp_path, read_manifest(DEFAULT_BUNDLE))
    written = (tmp_path / "manifest.json").read_bytes()
    assert written == (DEFAULT_BUNDLE / "manifest.json").read_bytes()


def test_what_few_bundles_need_is_read_where_it_is_and_written_where_it_says_something(
    broken_bundle: MakeBundle, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["special_tokens"] |= {"forced_first_id": 2, "forced_last_id": 1}
        manifest["styles"][0]["prefix_text"] = "summarize: "

    manifest = load_bundle(broken_bundle(change)).manifest
    assert manifest.special_tokens.forced_first_id == 2
    assert manifest.special_tokens.forced_last_id == 1
    assert [style.prefix_text for style in manifest.styles] == ["summarize: ", None, None, None]
    again = tmp_path_factory.mktemp("again")
    write_manifest(again, manifest)
    assert read_manifest(again) == manifest
    assert "null" not in (again / "manifest.json").read_text("utf-8")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere: no such bundle directory"):
        load_bundle(tmp_path / "nowhere")


def test_a_directory_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json: the file is missing"):
        load_bundle(tmp_path)


def test_a_manifest_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{", "utf-8")
    with pytest.raises(BundleError, match=r"manifest\.json: not valid JSON"):
        load_bundle(tmp_path)


def test_a_changed_byte_is_found_and_both_checksums_are_told(broken_bundle: MakeBundle) -> None:
    directory = broken_bundle()
    graph = directory / "encoder.onnx"
    content = bytearray(graph.read_bytes())
    content[100] ^= 1
    graph.unlink()
    graph.write_bytes(content)
    with pytest.raises(
        BundleError, match=r"encoder\.onnx: SHA-256 [0-9a-f]{64} found, [0-9a-f]{64} expected"
    ):
        load_bundle(directory)


def test_a_weight_that_is_no_number_is_refused_though_the_checksum_is_right(
    broken_bundle: MakeBundle,
) -> None:
    content = np.fromfile(DEFAULT_BUNDLE / "weights.bin", np.float32)
    place = _place_of_floats(DEFAULT_BUNDLE / "decoder_step.onnx")
    content[place.offset // 4 + 5] = np.nan

    def change(manifest: dict[str, Any]) -> None:
        digest = hashlib.sha256(content.tobytes()).hexdigest()
        manifest["files"]["weights.bin"]["sha256"] = digest

    directory = broken_bundle(change)
    (directory / "weights.bin").unlink()
    content.tofile(directory / "weights.bin")
    problem = r"weights\.bin: tensor '.+' of [a-z_0-9]+\.onnx holds nan as number 5, only finite"
    with pytest.raises(BundleError, match=problem):
        load_bundle(directory)


def _place_of_floats(graph: Path) -> FileRange:
    """Where some weights of a graph lie."""
    tensors = float_tensors(memoryview(graph.read_bytes()))
    return next(each.place for each in tensors if each.place is not None)


def test_a_cut_file_is_told_by_its_size(broken_bundle: MakeBundle) -> None:
    directory = broken_bundle()
    (directory / "weights.bin").unlink()
    (directory / "weights.bin").write_bytes(b"short")
    with pytest.raises(BundleError, match=r"weights\.bin: 5 bytes found, \d+ expected"):
        load_bundle(directory)


def test_a_missing_file_is_named(broken_bundle: MakeBundle) -> None:
    directory = broken_bundle()
    (directory / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"tokenizer\.json: the file is missing"):
        load_bundle(directory)


def _set(*path: str, to: object) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        *parents, last = path
        for key in parents:
            manifest = manifest[key]
        manifest[last] = to

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            _set("format_version", to=1),
            r"format_version 1 found, 2 expected by this version: export it again .*python -m exp",
        ),
        (_set("format_version", to=3), "format_version 3 found, 2 expected by this version$"),
        (_set("surprise", to=1), r"unknown keys \['surprise'\]"),
        (_set("geometry", "heads", to="8"), r"manifest\.geometry\.heads must be of type int"),
        (_set("geometry", "copy_head", to=1), r"copy_head must be of type bool"),
        (_set("default_style", to="shouting"), "'shouting' is not among the styles"),
        (_set("geometry", "decoder_layers", to=2), r"wrong signature of .*is not expected"),
        (_set("graphs", to={}), r"lacks the graphs \['decoder_step', 'decoder_tokens', 'e"),
        (_set("files", to={}), "has no checksum of"),
        (
            _set("limits", "max_summary_tokens", to=1025),
            "max_summary_tokens is 1025, from 1 to 1024",
        ),
        (_set("limits", "max_source_tokens", to=1023), "is 1025, from 1 to 1024 positions"),
        (_set("geometry", "max_source_positions", to=512), "is 1024, from 1 to 512 positions"),
        (_set("geometry", "int8_cross", to=None), r"wrong signature of encoder: .*cross_key_0"),
        (_set("geometry", "encoder_layers", to=7), r"lacks the graphs \['encoder_slice_6'\]"),
        (
            _set("geometry", "relative_positions", to=True),
            "input 'slot_positions' is missing",
        ),
        (
            _set("special_tokens", "end_id", to=20000),
            r"token ids \[20000\] are not in a vocabulary",
        ),
        (
            _set("special_tokens", "forced_first_id", to=20000),
            r"token ids \[20000\] are not in a vocabulary",
        ),
        (
            _set("special_tokens", "forced_last_id", to=5),
            "forced_last_id is 5, the end token 1 expected",
        ),
        (lambda m: m.pop("license"), "lacks the key 'license'"),
        (
            lambda m: m["files"].update({"../evil": {"sha256": "0", "bytes": 1}}),
            r"'\.\./evil' leaves the bundle",
        ),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_reason(
    broken_bundle: MakeBundle, change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    with pytest.raises(BundleError, match=problem):
        load_bundle(broken_bundle(change))
