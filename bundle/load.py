"""Opening a bundle: everything is checked before anything is used."""

from dataclasses import dataclass
from pathlib import Path

from bundle.checksum import sha256_of, verify_file
from bundle.decoding import wrong_defaults
from bundle.errors import BundleError
from bundle.finite import check_finite
from bundle.manifest import MANIFEST_FILE, Manifest, read_manifest
from bundle.signature import differences, expected_graphs
from bundle.tokenizer import BundleTokenizer


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files are as the manifest says."""

    directory: Path
    manifest: Manifest
    manifest_sha256: str
    tokenizer: BundleTokenizer

    def graph_path(self, graph: str) -> Path:
        """Where the ONNX file of a graph lies."""
        return self.directory / self.manifest.graphs[graph].file


def load_bundle(directory: Path) -> Bundle:
    """Opens a bundle, or raises BundleError saying which file is wrong and what was expected."""
    manifest = read_manifest(directory)
    _check_signatures(directory, manifest)
    _check_sizes(directory, manifest)
    _check_forced_end(directory, manifest)
    _check_defaults(directory, manifest)
    _check_files(directory, manifest)
    graph_files = [graph.file for graph in manifest.graphs.values()]
    check_finite(directory, graph_files, manifest.weights_file)
    tokenizer = BundleTokenizer(directory / manifest.tokenizer_file)
    if tokenizer.vocab_size > manifest.geometry.vocab_size:
        raise BundleError(
            directory / manifest.tokenizer_file,
            f"{tokenizer.vocab_size} tokens found, at most {manifest.geometry.vocab_size} expected",
        )
    return Bundle(directory, manifest, sha256_of(directory / MANIFEST_FILE), tokenizer)


def _check_signatures(directory: Path, manifest: Manifest) -> None:
    expected = expected_graphs(manifest.geometry)
    if missing := sorted(expected.keys() - manifest.graphs.keys()):
        raise BundleError(directory / MANIFEST_FILE, f"the manifest lacks the graphs {missing}")
    for name, graph in expected.items():
        if problems := differences(graph, manifest.graphs[name]):
            raise BundleError(
                directory / manifest.graphs[name].file,
                f"wrong signature of {name}: {'; '.join(problems)}",
            )


def _check_sizes(directory: Path, manifest: Manifest) -> None:
    """What the limits promise must fit the network, and every id its vocabulary."""
    geometry, limits, special = manifest.geometry, manifest.limits, manifest.special_tokens
    affixes = [(*style.prefix_ids, *style.suffix_ids) for style in manifest.styles]
    for name, tokens, positions in (
        (
            "max_source_tokens with a style's tokens",
            manifest.longest_source,
            geometry.source_positions,
        ),
        ("max_summary_tokens", limits.max_summary_tokens, geometry.max_positions),
    ):
        if not 1 <= tokens <= positions:
            raise BundleError(
                directory / MANIFEST_FILE,
                f"{name} is {tokens}, from 1 to {positions} positions expected",
            )
    named = [special.pad_id, special.end_id, special.decoder_start_id]
    if special.forced_first_id is not None:
        named.append(special.forced_first_id)
    ids = {*named, *special.never_emitted_ids, *(i for affix in affixes for i in affix)}
    if outside := sorted(i for i in ids if not 0 <= i < geometry.vocab_size):
        raise BundleError(
            directory / MANIFEST_FILE,
            f"token ids {outside} are not in a vocabulary of {geometry.vocab_size}",
        )


def _check_forced_end(directory: Path, manifest: Manifest) -> None:
    special = manifest.special_tokens
    if special.forced_last_id not in (None, special.end_id):
        raise BundleError(
            directory / MANIFEST_FILE,
            f"forced_last_id is {special.forced_last_id}, the end token {special.end_id} expected",
        )


def _check_defaults(directory: Path, manifest: Manifest) -> None:
    for style in manifest.styles:
        if problems := wrong_defaults(style.defaults.said()):
            raise BundleError(
                directory / MANIFEST_FILE, f"style {style.name!r}: {'; '.join(problems)}"
            )


def _check_files(directory: Path, manifest: Manifest) -> None:
    needed = {manifest.weights_file, manifest.tokenizer_file}
    needed |= {graph.file for graph in manifest.graphs.values()}
    if unlisted := sorted(needed - manifest.files.keys()):
        raise BundleError(directory / MANIFEST_FILE, f"the manifest has no checksum of {unlisted}")
    for name, entry in manifest.files.items():
        if Path(name).name != name:
            raise BundleError(directory / MANIFEST_FILE, f"file name {name!r} leaves the bundle")
        verify_file(directory / name, expected_sha256=entry.sha256, expected_bytes=entry.bytes)
