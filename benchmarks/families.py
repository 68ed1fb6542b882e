"""For every family: PyTorch beside transformers, the exported bundles, and what is served."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.family_checkpoints import CHECKPOINTS, Checkpoint, build
from benchmarks.recipe import recipe
from model.checkpoints.checkpoint import load_checkpoint
from model.decoding.generate import GreedyOptions, greedy_batch
from model.network.transformer import Summarizer
from model.progress import ProgressBar
from server.offline import TokenEngine
from server.types import DecodingOptions

_FIRST_ORDINARY_ID = 8
_SOURCE_LENGTHS = (200, 120, 60, 31)
_MAX_TOKENS = 32
_PRECISIONS = ("fp32", "int8")
# What the verification of an export reads: two documents of so many characters, a token each.
_DOCUMENT = Path("examples/arxiv_en.txt")
_DOCUMENT_CHARACTERS = 200

Tokens = list[list[int]]


def compare_families(only: Sequence[str] = (), *, threads: int = 0) -> dict[str, Any]:
    """A row for each checkpoint."""
    if threads:
        torch.set_num_threads(threads)
    chosen = [checkpoint for checkpoint in CHECKPOINTS if not only or checkpoint.name in only]
    rows = [_compare(checkpoint, threads) for checkpoint in ProgressBar(chosen, unit="checkpoint")]
    settings = {"summaries": len(_SOURCE_LENGTHS), "tokens": _MAX_TOKENS}
    return {"recipe": recipe(**settings, transformers=_transformers_version()), "rows": rows}


def families_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        "| checkpoint | parameters | largest logit difference (of) | greedy tokens "
        "| fp32: agreement, served | int8: agreement, encoder error, size |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['checkpoint']} | {row['parameters'] / 1e6:.1f} M "
        f"| {row['largest_logit_difference']:.1e} ({row['largest_logit']:.0f}) "
        f"| {_equal(row['greedy_tokens_equal'])} "
        f"| {_fp32(row['fp32'])} | {_int8(row['int8'])} |"
        for row in report["rows"]
    ]
    return "\n".join(lines)


def _compare(checkpoint: Checkpoint, threads: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        directory = home / "checkpoint"
        theirs = build(checkpoint, directory)
        model = load_checkpoint(directory)
        sources = _sources(model.network.config.vocabulary_size, model.network.config.max_positions)
        generated = _their_greedy(theirs, sources)
        ours = _tokens(model, sources, ())
        difference, largest = _logit_difference(theirs, model, sources, generated)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        del theirs
        documents = home / "documents"
        documents.mkdir()
        text = _DOCUMENT.read_text("utf-8")
        for index in range(2):
            part = text[index * _DOCUMENT_CHARACTERS :][:_DOCUMENT_CHARACTERS]
            (documents / f"{index}.txt").write_text(part, "utf-8")
        exported = {
            precision: _export(directory, home / precision, precision, documents)
            for precision in _PRECISIONS
        }
        for precision, result in exported.items():
            if "refused" not in result:
                bundle = home / precision
                result["served_tokens_equal"] = _served_equal(bundle, model, sources, threads)
    return {
        "checkpoint": checkpoint.name,
        "parameters": parameters,
        "largest_logit_difference": difference,
        "largest_logit": largest,
        "greedy_tokens_equal": ours == generated,
        **exported,
    }


def _sources(vocabulary: int, positions: int) -> Tokens:
    generator = torch.Generator().manual_seed(7)
    # Marian's last id is its padding.
    return [
        torch.randint(
            _FIRST_ORDINARY_ID, vocabulary - 1, (min(length, positions),), generator=generator
        ).tolist()
        for length in _SOURCE_LENGTHS
    ]


def _padded(theirs: Any, sources: Tokens) -> dict[str, torch.Tensor]:
    """A batch for transformers; LED's first token is global, as everywhere in this project."""
    longest = max(map(len, sources))
    pad = theirs.config.pad_token_id
    batch = {
        "input_ids": torch.tensor([[*ids, *[pad] * (longest - len(ids))] for ids in sources]),
        "attention_mask": torch.tensor(
            [[1] * len(ids) + [0] * (longest - len(ids)) for ids in sources]
        ),
    }
    if theirs.config.model_type == "led":
        batch["global_attention_mask"] = torch.zeros_like(batch["input_ids"])
        batch["global_attention_mask"][:, 0] = 1
    return batch


@torch.inference_mode()
def _their_greedy(theirs: Any, sources: Tokens) -> Tokens:
    output = theirs.generate(
        **_padded(theirs, sources), max_new_tokens=_MAX_TOKENS, num_beams=1, do_sample=False
    )
    return [_until(row[1:], theirs.config.eos_token_id) for row in output.tolist()]


def _tokens(model: Summarizer, sources: Tokens, banned_ids: tuple[int, ...]) -> Tokens:
    options = GreedyOptions(max_tokens=_MAX_TOKENS, banned_ids=banned_ids)
    end = model.network.config.end_id
    return [_until(result.tokens, end) for result in greedy_batch(model, sources, options)]


def _until(tokens: Sequence[int], end: int) -> list[int]:
    """The tokens before the end token."""
    return list(tokens[: tokens.index(end)] if end in tokens else tokens)


@torch.inference_mode()
def _logit_difference(
    theirs: Any, model: Summarizer, sources: Tokens, targets: Tokens
) -> tuple[float, float]:
    """The largest, over every step of every target, and the largest logit."""
    differences, largest = [], []
    for source, target in zip(sources, targets, strict=True):
        ids = torch.tensor([[model.network.config.start_id, *target]])
        expected = theirs(**_padded(theirs, [source]), decoder_input_ids=ids).logits
        lengths = torch.tensor([len(source)])
        cross = model.cross_cache(model.encode(torch.tensor([source]), lengths))
        hidden, _ = model.decode(ids, torch.zeros(1, dtype=torch.long), lengths, cross, None)
        differences.append((model.logits(hidden) - expected).abs().max().item())
        largest.append(expected.abs().max().item())
    return max(differences), max(largest)


def _export(checkpoint: Path, output: Path, precision: str, documents: Path) -> dict[str, Any]:
    """The exporter in a process of its own: its graphs and sessions go with it."""
    command = [sys.executable, "-m", "export", "--checkpoint", str(checkpoint)]
    command += ["--output", str(output), "--precision", precision, "--documents", str(documents)]
    started_s = time.perf_counter()
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if outcome.returncode:
        return {"refused": outcome.stderr.strip().splitlines()[-1].removeprefix("export: ")}
    report = json.loads((output / "verification.json").read_text("utf-8"))
    figures = ("agreement", "encoder_relative_error", "mean_log_probability_difference")
    return {
        **{name: report[name] for name in figures},
        "verified_tokens": report["tokens"],
        "bytes": sum(path.stat().st_size for path in output.iterdir()),
        "seconds": round(time.perf_counter() - started_s, 1),
    }


def _served_equal(directory: Path, model: Summarizer, sources: Tokens, threads: int) -> float:
    """Share of the summaries that the engine writes as PyTorch does, all in one crowd."""
    ours = TokenEngine.load(directory, provider="cpu", threads=threads, max_rows=8)
    finished = ours.generate(sources, DecodingOptions(max_tokens=_MAX_TOKENS))
    served = [list(each.hypotheses[0].tokens) for each in finished]
    special = ours.bundle.manifest.special_tokens
    expected = _tokens(model, sources, special.never_emitted_ids)
    return sum(served[i] == tokens for i, tokens in enumerate(expected)) / len(expected)


def _equal(is_equal: bool) -> str:
    return "equal" if is_equal else "**differ**"


def _fp32(result: dict[str, Any]) -> str:
    if "refused" in result:
        return f"refused: {result['refused']}"
    return f"{result['agreement']:.1%}, {result['served_tokens_equal']:.0%} of summaries equal"


def _int8(result: dict[str, Any]) -> str:
    if "refused" in result:
        return f"refused: {result['refused']}"
    size = result["bytes"] / 1e6
    return f"{result['agreement']:.1%}, {result['encoder_relative_error']:.1%}, {size:.1f} MB"


def _transformers_version() -> str:
    import transformers

    return str(transformers.__version__)
