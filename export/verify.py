"""Does the bundle say what the PyTorch model says?

Names, shapes and values are compared, then greedy tokens against the oracle, and the decoder of
several tokens against that of one.
Run as a process of its own (`python -m export.verify`): onnxruntime never gives back the memory of
its sessions. Everything that is wrong is collected before anything is raised. The report is kept in
the bundle.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from bundle.manifest import Manifest, Style, read_manifest
from bundle.normalise import normalise
from bundle.signature import (
    DECODER_STEP,
    DECODER_TOKENS,
    cross_names,
    differences,
    expected_graphs,
)
from bundle.tokenizer import BundleTokenizer
from export.plain_decoder import PlainDecoder
from model.checkpoint import load_checkpoint
from model.constraints import forbidden_ids, forced_token
from model.decoding_options import GreedyOptions
from model.generate import Generation, greedy
from model.transformer import Summarizer

# Longest summary compared: long enough to drift, short enough for the oracle, which has no cache.
_MAX_TOKENS = 48


@dataclass(frozen=True)
class Tolerance:
    """What a precision is allowed to differ from PyTorch in float32."""

    encoder_relative_error: float
    # Between the log-probabilities of the oracle's tokens, fed to both: mean over all tokens.
    mean_log_probability_difference: float
    # Share of the oracle's tokens that the bundle would choose too, when fed the same beginning.
    agreement: float
    # Share of documents whose greedy summary is the same to the last token.
    equal_documents: float


TOLERANCES = {
    "fp32": Tolerance(1e-4, 1e-3, 1.0, 1.0),
    "int8": Tolerance(0.06, 0.05, 0.97, 0.0),
}


@dataclass
class Report:
    """What was compared and what came out."""

    precision: str
    documents: int = 0
    tokens: int = 0
    encoder_relative_error: float = 0.0
    mean_log_probability_difference: float = 0.0
    largest_log_probability_difference: float = 0.0
    agreement: float = 0.0
    # The oracle's margin over its runner-up at the tokens where the bundle chose otherwise.
    largest_margin_at_disagreement: float = 0.0
    equal_documents: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the bundle may be used."""
        return not self.problems


def verify(checkpoint: Path, directory: Path, documents: Sequence[str]) -> Report:
    """Compares a bundle with the checkpoint it was made from."""
    manifest = read_manifest(directory)
    report = Report(manifest.precision)
    decoder = PlainDecoder(directory, manifest)
    found = decoder.found_graphs()
    for name, expected in expected_graphs(manifest.geometry).items():
        report.problems += [f"{name}: {problem}" for problem in differences(expected, found[name])]
    if report.passed:
        summarizer = load_checkpoint(checkpoint)
        tokenizer = BundleTokenizer(directory / manifest.tokenizer_file)
        _compare_values(report, decoder, summarizer, tokenizer, documents)
        _judge(report, TOLERANCES[manifest.precision])
    return report


def _compare_values(
    report: Report,
    decoder: PlainDecoder,
    summarizer: Summarizer,
    tokenizer: BundleTokenizer,
    documents: Sequence[str],
) -> None:
    manifest = decoder.manifest
    cases = [(style, document) for style in manifest.styles for document in documents]
    encoder_errors, log_probability_differences, margins = [], [], [0.0]
    differences_at_once = []
    num_agreed = num_equal = 0
    for style, document in tqdm(cases, desc="verify", unit="summary", leave=False):
        source_ids = _source_ids(tokenizer, style, manifest, document)
        options = GreedyOptions(
            max_tokens=min(
                _MAX_TOKENS,
                manifest.limits.max_summary_tokens,
                summarizer.config.max_target_positions,
            ),
            no_repeat_ngram_size=style.defaults.no_repeat_ngram_size,
            banned_ids=manifest.special_tokens.never_emitted_ids,
            forced_first=manifest.special_tokens.forced_first_id,
        )
        oracle = greedy(summarizer, source_ids, options)
        encoder_errors.append(_encoder_error(decoder, summarizer, source_ids))
        forced = _teacher_forced(decoder, source_ids, oracle, options)
        for index, (chosen, log_probability) in enumerate(forced):
            if forced_token(index, options) is not None:
                continue  # nobody chose it
            report.tokens += 1
            if chosen == oracle.tokens[index]:
                num_agreed += 1
                difference = abs(log_probability - oracle.log_probabilities[index])
                log_probability_differences.append(difference)
            else:
                margins.append(oracle.margins[index])
        at_once = _at_once(decoder, source_ids, oracle, options)
        differences_at_once += [
            abs(one - other) for (_, one), other in zip(forced, at_once, strict=True)
        ]
        num_equal += _greedy_tokens(decoder, source_ids, options) == oracle.tokens
    report.documents = len(cases)
    report.encoder_relative_error = float(np.max(encoder_errors))
    report.mean_log_probability_difference = float(np.mean(log_probability_differences))
    report.largest_log_probability_difference = float(np.max(log_probability_differences))
    report.agreement = num_agreed / report.tokens
    report.largest_margin_at_disagreement = max(margins)
    report.equal_documents = num_equal / len(cases)
    difference = float(np.mean(differences_at_once))
    limit = TOLERANCES[report.precision].mean_log_probability_difference
    if not difference <= limit:
        report.problems.append(
            f"{DECODER_TOKENS} gives log-probabilities that differ by {difference:.3g} on average "
            f"from those of {DECODER_STEP}, at most {limit:.3g} allowed"
        )


def _judge(report: Report, tolerance: Tolerance) -> None:
    for name in ("encoder_relative_error", "mean_log_probability_difference"):
        found, limit = getattr(report, name), getattr(tolerance, name)
        if not found <= limit:
            report.problems.append(f"{name} is {found:.3g}, at most {limit:.3g} allowed")
    for name in ("agreement", "equal_documents"):
        found, limit = getattr(report, name), getattr(tolerance, name)
        if not found >= limit:
            report.problems.append(f"{name} is {found:.3f}, at least {limit:.3f} needed")


def _source_ids(
    tokenizer: BundleTokenizer, style: Style, manifest: Manifest, document: str
) -> list[int]:
    text = (style.prefix_text or "") + normalise(document)
    ids = tokenizer.encode(text)[: manifest.limits.max_source_tokens]
    return [*style.prefix_ids, *ids, *style.suffix_ids]


@torch.inference_mode()
def _encoder_error(
    decoder: PlainDecoder, summarizer: Summarizer, source_ids: Sequence[int]
) -> float:
    """Root mean square of the difference over that of the values, for the worst output."""
    source = torch.tensor([source_ids])
    states = summarizer.encode(source, torch.tensor([source.shape[1]]))
    flat = [part for layer in summarizer.cross_cache(states) for part in layer]
    geometry = replace(decoder.manifest.geometry, int8_cross=None)
    expected = dict(zip(cross_names(geometry), flat, strict=True))
    if geometry.copy_head:
        expected["encoder_states"] = states
    found = decoder.encode_to_floats(source_ids)
    return max(
        float(np.sqrt(np.mean((found[name] - value.numpy()) ** 2) / np.mean(value.numpy() ** 2)))
        for name, value in expected.items()
    )


def _excluded(
    decoder: PlainDecoder, tokens: Sequence[int], source_ids: Sequence[int], options: GreedyOptions
) -> list[int]:
    special = decoder.manifest.special_tokens
    start_id, end_id = special.decoder_start_id, special.end_id
    return sorted(forbidden_ids(tokens, source_ids, options, start_id, end_id))


def _teacher_forced(
    decoder: PlainDecoder, source_ids: Sequence[int], oracle: Generation, options: GreedyOptions
) -> list[tuple[int, float]]:
    """What the bundle would choose after each beginning of the oracle's summary."""
    row = decoder.start(source_ids, capacity=len(oracle.tokens))
    fed = [decoder.manifest.special_tokens.decoder_start_id, *oracle.tokens[:-1]]
    steps = [
        row.step(token, _excluded(decoder, oracle.tokens[:index], source_ids, options))
        for index, token in enumerate(fed)
    ]
    return [(step.top_ids[0], step.top_log_probs[0]) for step in steps]


def _at_once(
    decoder: PlainDecoder, source_ids: Sequence[int], oracle: Generation, options: GreedyOptions
) -> list[float]:
    """The best log-probability after each of the same beginnings, all of them fed together."""
    fed = [decoder.manifest.special_tokens.decoder_start_id, *oracle.tokens[:-1]]
    excluded = [
        _excluded(decoder, oracle.tokens[:index], source_ids, options) for index in range(len(fed))
    ]
    return [step.top_log_probs[0] for step in decoder.say_at_once(source_ids, fed, excluded)]


def _greedy_tokens(
    decoder: PlainDecoder, source_ids: Sequence[int], options: GreedyOptions
) -> list[int]:
    special = decoder.manifest.special_tokens
    row = decoder.start(source_ids, capacity=options.max_tokens)
    tokens: list[int] = []
    while len(tokens) < options.max_tokens and special.end_id not in tokens[-1:]:
        fed = tokens[-1] if tokens else special.decoder_start_id
        best = row.step(fed, _excluded(decoder, tokens, source_ids, options)).top_ids[0]
        forced = forced_token(len(tokens), options)
        tokens.append(best if forced is None else forced)
    return tokens


def main(arguments: Sequence[str] | None = None) -> int:
    """Verifies a bundle and writes the report; exits non-zero if it may not be used."""
    parser = argparse.ArgumentParser(prog="python -m export.verify", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="the checkpoint the bundle was made from")
    parser.add_argument("bundle", type=Path, help="the bundle directory")
    parser.add_argument(
        "--documents", type=Path, required=True, help="directory of .txt files to summarise"
    )
    parser.add_argument("--report", type=Path, help="where to write the report as JSON")
    parsed = parser.parse_args(arguments)
    documents = [path.read_text("utf-8") for path in sorted(parsed.documents.glob("*.txt"))]
    if not documents:
        parser.error(f"{parsed.documents} holds no .txt file")
    report = verify(parsed.checkpoint, parsed.bundle, documents)
    text = json.dumps(asdict(report) | {"passed": report.passed}, indent=2) + "\n"
    if parsed.report:
        parsed.report.write_text(text, "utf-8")
    sys.stdout.write(text)
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
