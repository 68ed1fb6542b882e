"""What a directory is: a checkpoint that runs here or does not, or a bundle.

The answer is plain data in sections, for `python -m model inspect` to print or to write as JSON.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from bundle.errors import BundleError
from bundle.load import load_bundle
from bundle.manifest import MANIFEST_FILE
from model.checkpoints.checkpoint import check_checkpoint
from model.checkpoints.families import UnsupportedFamily, find
from model.checkpoints.generation_defaults import (
    CONFIG_FILE,
    GenerationDefaults,
    read_generation_defaults,
    with_room,
)
from model.checkpoints.json_files import read_object
from model.checkpoints.serving_limits import unexportable, unserved
from model.checkpoints.source_template import read_source_template
from model.checkpoints.tensor_files import CheckpointError, TensorFiles
from model.checkpoints.tokenizing import describe, tokenizer_problem
from model.network.config import ConfigError, ModelConfig
from model.network.transformer import Summarizer

Section = dict[str, Any]


@dataclass(frozen=True)
class Inspection:
    """What was found; `problem` says why it does not run here, if it does not."""

    kind: str  # "checkpoint" or "bundle"
    sections: Mapping[str, Section]
    problem: str | None = None

    @property
    def supported(self) -> bool:
        """Whether it runs here."""
        return self.problem is None

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "kind": self.kind,
            "supported": self.supported,
            "problem": self.problem,
            **self.sections,
        }


def inspect(directory: Path) -> Inspection:
    """Look at a directory without reading its weights.

    Raises ValueError or OSError for what is neither a checkpoint nor a bundle, and for one that is
    broken. A whole checkpoint of a family that we do not run is no error.
    """
    if (directory / MANIFEST_FILE).is_file():
        return _inspect_bundle(directory)
    if not directory.is_dir():
        raise CheckpointError(f"{directory}: no such directory")
    if not (directory / CONFIG_FILE).is_file():
        raise CheckpointError(
            f"{directory} has neither {CONFIG_FILE}, as a checkpoint has, nor {MANIFEST_FILE}, as "
            "a bundle has"
        )
    values = read_object(directory / CONFIG_FILE)
    try:
        family = find(values)
        config = family.read(values)
    except ConfigError as error:
        return Inspection("checkpoint", _unsupported(directory, values, error), str(error))
    model = check_checkpoint(directory)
    sections = {
        "network": {"family": family.name, **_network(model)},
        "weights": _weights(directory, sum(value.numel() for value in model.parameters())),
        "tokens": {"pad": config.pad_id, "end": config.end_id, "start": config.start_id},
        "tokenizer": {"tokenizer": describe(directory)},
    }
    if problem := tokenizer_problem(directory):
        return Inspection("checkpoint", sections, problem)
    try:
        generation = read_generation_defaults(directory, config)
        sections["source"] = _source(directory, config, generation)
    except ConfigError as error:
        return Inspection("checkpoint", sections, str(error))
    sections["network"]["longest_summary"] = with_room(
        config, generation.options
    ).max_target_positions
    sections["generation"] = _generation(generation)
    sections["uses"] = _uses(config, generation)
    return Inspection("checkpoint", sections)


def _network(model: Summarizer) -> Section:
    config = model.config
    return {
        "architecture": config.architecture,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "width": config.width,
        "heads": config.heads,
        "head_width": config.head_width,
        "feed_forward_width": config.encoder_feed_forward_width,
        "vocabulary": config.vocabulary_size,
        "positions": config.positions,
        "longest_source": config.max_positions,
        "longest_summary": config.max_target_positions,
        "copy_head": config.copy_head,
    }


def _weights(directory: Path, parameters: int | None = None) -> Section:
    """Where nobody knows the network, all numbers in the files count as parameters."""
    with TensorFiles(directory) as files:
        stored: Counter[str] = Counter()
        for name, shape in files.shapes.items():
            stored[files.dtype(name)] += prod(shape)
    shards = sorted(directory.glob("*.safetensors"))
    return {
        "parameters": sum(stored.values()) if parameters is None else parameters,
        "types": sorted(stored),
        "bytes": sum(path.stat().st_size for path in shards),
        "files": len(shards),
    }


def _weights_if_any(directory: Path) -> Section:
    try:
        return _weights(directory)
    except CheckpointError as error:
        return {"problem": str(error)}


def _source(directory: Path, config: ModelConfig, generation: GenerationDefaults) -> Section:
    path = directory / "tokenizer.json"
    section: Section = {"styles": sorted(config.style_token_ids), "text": generation.prefix}
    if path.is_file():
        template = read_source_template(path, config.end_id, generation.prefix)
        section |= {"before": list(template.prefix_ids), "after": list(template.suffix_ids)}
    return section


def _generation(generation: GenerationDefaults) -> Section:
    return {
        "read_from": list(generation.read_from),
        **asdict(generation.options),
        "samples": generation.samples,
        "unknown_keys": list(generation.unknown),
    }


def _uses(config: ModelConfig, generation: GenerationDefaults) -> Section:
    if obstacles := [*unexportable(config), *unserved(generation.options)]:
        no = f"no: {'; '.join(obstacles)}"
        return {"trains": "yes", "exports": no, "serves": no}
    beams = generation.options.num_beams
    served = (
        f"yes, with its {beams} beams unless bundle.toml says otherwise" if beams > 1 else "yes"
    )
    return {"trains": "yes", "exports": "yes", "serves": served}


def _unsupported(directory: Path, values: Mapping[str, Any], error: ConfigError) -> dict[str, Any]:
    """What any checkpoint tells, and what is closest to it that runs."""
    network: Section = {key: values.get(key) for key in ("architectures", "model_type")}
    if isinstance(error, UnsupportedFamily):
        network["closest_family"] = error.closest
    return {
        "network": network,
        "weights": _weights_if_any(directory),
        "tokenizer": {"tokenizer": describe(directory)},
    }


def _inspect_bundle(directory: Path) -> Inspection:
    try:
        manifest = load_bundle(directory).manifest
    except BundleError as error:
        raise ValueError(str(error)) from error
    sections: dict[str, Section] = {
        "bundle": {
            name: getattr(manifest, name)
            for name in ("name", "version", "description", "license", "precision", "languages")
        },
        "network": asdict(manifest.geometry),
        "limits": asdict(manifest.limits),
        "tokens": asdict(manifest.special_tokens),
        "styles": {
            style.name: {"before": list(style.prefix_ids), "after": list(style.suffix_ids)}
            | ({"text": style.prefix_text} if style.prefix_text else {})
            | asdict(style.defaults)
            for style in manifest.styles
        },
        "weights": {"bytes": sum(entry.bytes for entry in manifest.files.values())},
        "uses": {"trains": "no: a bundle is for serving", "exports": "it is exported",
                 "serves": "yes"},
    }  # fmt: skip
    if manifest.verification is not None:
        sections["verification"] = asdict(manifest.verification)
    return Inspection("bundle", sections)
