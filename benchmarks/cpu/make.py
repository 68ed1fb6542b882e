"""Makes one model, in a process of its own that gives its memory back.

`python -m benchmarks.cpu.make checkpoint NAME TARGET`, `headless CHECKPOINT TARGET`,
`bundle CHECKPOINT TARGET`.
"""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

_SIZES_OF_BART_BASE = {
    "vocab_size": 50265,
    "d_model": 768,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_attention_heads": 12,
    "decoder_attention_heads": 12,
    "encoder_ffn_dim": 3072,
    "decoder_ffn_dim": 3072,
    "max_position_embeddings": 1024,
}
_COPY_HEAD = "copy_head"
_RECIPE = Path("models/default/bundle.toml")


def make_checkpoint(name: str, target: Path) -> None:
    """Random weights in the sizes that people use."""
    import transformers

    from benchmarks.family_checkpoints import CHECKPOINTS, Checkpoint, build

    bart_base = Checkpoint(
        "BART-base",
        "BartForConditionalGeneration",
        transformers.BartConfig,
        _SIZES_OF_BART_BASE,
    )
    by_name = {checkpoint.name: checkpoint for checkpoint in (*CHECKPOINTS, bart_base)}
    build(by_name[name], target)


def make_headless(checkpoint: Path, target: Path) -> None:
    """The same weights without the copy head, as any engine reads them: a PEGASUS.

    No token is forced, since what to force comes with a job.
    """
    from safetensors.numpy import load_file, save_file

    config = json.loads((checkpoint / "config.json").read_text("utf-8"))
    for key in (_COPY_HEAD, "forced_eos_token_id"):
        config.pop(key, None)
    tensors = load_file(checkpoint / "model.safetensors")
    kept = {name: tensors[name] for name in tensors if not name.startswith(f"{_COPY_HEAD}.")}
    ids = ("pad_token_id", "eos_token_id", "decoder_start_token_id")
    generation = {name: config[name] for name in ids}
    target.mkdir(exist_ok=True)
    (target / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
    (target / "generation_config.json").write_text(json.dumps(generation), "utf-8")
    save_file(kept, target / "model.safetensors", metadata={"format": "pt"})
    shutil.copyfile(checkpoint / "tokenizer.json", target / "tokenizer.json")


def make_bundle(checkpoint: Path, target: Path) -> None:
    """Ours, as the exporter makes it; random weights would fail its verification.

    The folder's name says in which precision and, if it has a third part, how the decoder's
    matrices are written: `ours-int8-blocks`.
    """
    from export.pipeline import ExportConfig, build_unverified

    target.mkdir(exist_ok=True)
    _, precision, *decoder_weights = target.name.split("-")
    recipe = _recipe(checkpoint)
    if decoder_weights:
        recipe = replace(recipe, decoder_weights=decoder_weights[0])
    config = ExportConfig(
        checkpoint=checkpoint,
        recipe=None,
        output=target,
        documents=Path("examples"),  # read by the verification, which is left out
        precision=precision,
    )
    build_unverified(config, recipe, target)


def _recipe(checkpoint: Path) -> Any:
    """The embedded default's own where a checkpoint has its styles; else one style."""
    from benchmarks.random_recipe import random_recipe
    from export.package.recipe import read_recipe

    config = json.loads((checkpoint / "config.json").read_text("utf-8"))
    if "style_token_ids" in config:
        return read_recipe(_RECIPE)
    return random_recipe(checkpoint)


def main() -> None:
    """Makes what the command line says."""
    what, source, target = sys.argv[1:]
    match what:
        case "checkpoint":
            make_checkpoint(source, Path(target))
        case "headless":
            make_headless(Path(source), Path(target))
        case "bundle":
            make_bundle(Path(source), Path(target))
        case _:
            raise SystemExit(f"{what!r} is not checkpoint, headless or bundle")


if __name__ == "__main__":
    main()
