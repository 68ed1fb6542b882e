"""manifest.json: what a bundle is, what it can do and what its files must contain."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from bundle.errors import BundleError
from bundle.strict_json import StrictJsonError, parse

FORMAT_VERSION = 2
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Sizes of the network that the runtime must know to make its buffers."""

    vocab_size: int
    d_model: int
    encoder_layers: int
    decoder_layers: int
    heads: int
    head_dim: int
    max_positions: int  # of a summary; of a source too unless max_source_positions says otherwise
    copy_head: bool
    max_source_positions: int | None = None
    relative_positions: bool | None = None  # true: the decoder asks for the slots' positions
    # true: the encoder gives keys and values of the cross-attention in int8, with scales.
    int8_cross: bool | None = None
    # The type of weights, keys, values and states where it is not float32; what is told of tokens
    # is float32 always.
    float_type: Literal["float16", "bfloat16"] | None = None
    # true: there is a decoder_ahead, whose choices can be fed back to it on a device.
    device_loop: bool | None = None

    @property
    def source_positions(self) -> int:
        """How many tokens the encoder can read."""
        return (
            self.max_positions if self.max_source_positions is None else self.max_source_positions
        )


@dataclass(frozen=True, kw_only=True)
class SpecialTokens:
    """Ids with a meaning of their own."""

    pad_id: int
    end_id: int
    decoder_start_id: int
    never_emitted_ids: tuple[int, ...]
    # The first token of every summary, which is not chosen: BART's start, mBART's language.
    forced_first_id: int | None = None
    # The end token, where a summary that reaches its limit has it as its last token.
    forced_last_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class DecodingDefaults:
    """Used where a request sets no option."""

    max_tokens: int
    min_tokens: int = 0
    no_repeat_ngram_size: int = 0
    # None is what changes nothing: see bundle/decoding.py.
    no_repeat_word_ngram_size: int | None = None
    only_source_facts: bool | None = None
    num_beams: int | None = None
    length_penalty: float | None = None
    early_stopping: bool | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None

    def said(self) -> dict[str, Any]:
        """The options that are set, by name."""
        return _without_none([(each.name, getattr(self, each.name)) for each in fields(self)])


@dataclass(frozen=True, kw_only=True)
class Style:
    """A way of summarising: ids to put round the document's tokens, and options that suit it.

    `prefix_text` is tokenised together with the document, as its beginning.
    """

    name: str
    description: str
    prefix_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]
    defaults: DecodingDefaults
    prefix_text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the network can take; a server may set lower ones."""

    max_source_tokens: int
    max_summary_tokens: int
    # A document of fewer tokens is its own summary: below this the model's are unreliable.
    min_source_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """One input or output of a graph; a named axis is free, a number is fixed."""

    name: str
    dtype: str
    shape: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """One ONNX file and its signature."""

    file: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """What a file of the bundle must be."""

    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the bundle came from."""

    checkpoint_sha256: str
    exporter: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Summary of the exporter's comparison with the PyTorch model.

    The whole report is a file of the bundle.
    """

    passed: bool
    report_file: str
    documents: int
    greedy_tokens_equal: float
    largest_log_probability_difference: float


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The whole of manifest.json."""

    format_version: int
    name: str
    version: str
    description: str
    license: str
    precision: str
    languages: tuple[str, ...]
    geometry: Geometry
    special_tokens: SpecialTokens
    styles: tuple[Style, ...]
    default_style: str
    limits: Limits
    graphs: Mapping[str, GraphSpec]
    weights_file: str
    tokenizer_file: str
    files: Mapping[str, FileEntry]
    provenance: Provenance
    verification: Verification | None = field(default=None)

    @property
    def longest_source(self) -> int:
        """Tokens of the longest document that is served, those that a style adds counted."""
        added = max(len(style.prefix_ids) + len(style.suffix_ids) for style in self.styles)
        return self.limits.max_source_tokens + added

    @property
    def style_by_default(self) -> Style:
        """The style of a request that names none. Reading a manifest checks that it is there."""
        style = self.style(self.default_style)
        assert style is not None, "every manifest has its default style"
        return style

    def style(self, name: str) -> Style | None:
        """Finds a style by name."""
        return next((style for style in self.styles if style.name == name), None)


def read_manifest(directory: Path) -> Manifest:
    """Reads and checks manifest.json alone; the files it names are checked by load_bundle."""
    path = directory / MANIFEST_FILE
    if not directory.is_dir():
        raise BundleError(directory, "no such bundle directory")
    if not path.is_file():
        raise BundleError(path, "the file is missing, so this is not a bundle directory")
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BundleError(path, f"not valid JSON: {error}") from error
    found = content.get("format_version") if isinstance(content, dict) else None
    if found != FORMAT_VERSION:
        is_older = type(found) is int and found < FORMAT_VERSION
        remedy = ": export it again from its checkpoint (python -m export)" if is_older else ""
        raise BundleError(
            path,
            f"format_version {found!r} found, {FORMAT_VERSION} expected by this version{remedy}",
        )
    try:
        manifest = parse(Manifest, content, "manifest")
    except StrictJsonError as error:
        raise BundleError(path, str(error)) from error
    if manifest.style(manifest.default_style) is None:
        raise BundleError(path, f"default_style {manifest.default_style!r} is not among the styles")
    return manifest


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Writes manifest.json with stable bytes: the same manifest always gives the same file.

    What is None is left out, so that a field that few bundles need changes no other bundle's file.
    """
    content = asdict(manifest, dict_factory=_without_none)
    text = json.dumps(content, indent=2, ensure_ascii=False, default=list)
    (directory / MANIFEST_FILE).write_text(text + "\n", "utf-8")


def _without_none(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value is not None}
