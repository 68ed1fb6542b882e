"""Does the bundle say what the PyTorch model says?

Names, shapes and values are compared, then greedy tokens against the oracle, and the other decoders
against the one that is fed a token a step. Everything that is wrong is collected before anything is
raised. The report is kept in the bundle.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from bundle.manifest import read_manifest
from bundle.signature import (
    DECODER_AHEAD,
    DECODER_STEP,
    DECODER_TOKENS,
    cross_names,
    differences,
    expected_graphs,
)
from bundle.tokenizer import BundleTokenizer
from export.package.report import TOLERANCES, Report
from export.precision import HALF
from export.verify.cases import Case, cases_of
from export.verify.plain_decoder import PlainDecoder
from export.verify.widen import signature_of, widen_bundle
from model.checkpoints.checkpoint import load_checkpoint
from model.decoding.constraints import forbidden_ids, forced_token
from model.decoding.decoding_options import GreedyOptions
from model.decoding.generate import Generation, greedy
from model.network.transformer import Summarizer
from model.progress import ProgressBar

_ARITHMETIC = {
    "fp16": "float16 as onnxruntime's CPU provider has it",
    "bf16": "rounded weights, float32 arithmetic",
}


@dataclass
class _Choices:
    """How often the bundle chose what an oracle chose, and how near it was where it did not."""

    tokens: int = 0
    agreed: int = 0
    equal_documents: int = 0
    margins: list[float] = field(default_factory=lambda: [0.0])
    differences: list[float] = field(default_factory=list)

    def add(
        self, oracle: Generation, forced: list[tuple[int, float]], options: GreedyOptions
    ) -> None:
        """Counts what the bundle would choose after each beginning of the oracle's summary."""
        for index, (chosen, log_probability) in enumerate(forced):
            if forced_token(index, options) is not None:
                continue  # nobody chose it
            self.tokens += 1
            if chosen == oracle.tokens[index]:
                self.agreed += 1
                difference = abs(log_probability - oracle.log_probabilities[index])
                self.differences.append(difference)
            else:
                self.margins.append(oracle.margins[index])


def verify(checkpoint: Path, directory: Path, documents: Sequence[str]) -> Report:
    """Compares a bundle with the checkpoint it was made from."""
    manifest = read_manifest(directory)
    report = Report(manifest.precision)
    tokenizer = BundleTokenizer(directory / manifest.tokenizer_file)
    cases = cases_of(manifest, tokenizer, documents)
    if manifest.geometry.float_type != "bfloat16":
        _compare(report, PlainDecoder(directory, manifest), checkpoint, cases)
        return report
    for name, expected in expected_graphs(manifest.geometry).items():
        found = signature_of(directory / expected.file)
        report.problems += [f"{name}: {problem}" for problem in differences(expected, found)]
    if report.passed:
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".verify-") as scratch:
            widened = widen_bundle(directory, manifest, Path(scratch))
            _compare(report, PlainDecoder(Path(scratch), widened), checkpoint, cases)
    return report


def _compare(
    report: Report, decoder: PlainDecoder, checkpoint: Path, cases: Sequence[Case]
) -> None:
    manifest = decoder.manifest
    found = decoder.found_graphs()
    for name in manifest.graphs:
        expected = expected_graphs(manifest.geometry)[name]
        report.problems += [f"{name}: {problem}" for problem in differences(expected, found[name])]
    if report.passed:
        summarizer = load_checkpoint(checkpoint)
        _compare_values(report, decoder, summarizer, cases)
        report.judge()


def _compare_values(
    report: Report, decoder: PlainDecoder, summarizer: Summarizer, cases: Sequence[Case]
) -> None:
    encoder_errors = []
    # Of the decoders that are fed otherwise than decoder_step, to which they are compared.
    others: dict[str, list[float]] = {DECODER_TOKENS: [], DECODER_AHEAD: []}
    choices = _Choices()
    written = []
    for case in ProgressBar(cases, desc="verify", unit="summary", leave=False):
        source_ids, options = case.source_ids, case.options
        oracle = greedy(summarizer, source_ids, options)
        encoder_errors.append(_encoder_error(decoder, summarizer, source_ids))
        forced = _teacher_forced(decoder, source_ids, oracle, options)
        choices.add(oracle, forced, options)
        others[DECODER_TOKENS] += _differences(
            forced, _at_once(decoder, source_ids, oracle, options)
        )
        if DECODER_AHEAD in decoder.manifest.graphs:
            ahead = _teacher_forced(decoder, source_ids, oracle, options, DECODER_AHEAD)
            others[DECODER_AHEAD] += _differences(forced, [each for _, each in ahead])
        written.append(_greedy_tokens(decoder, source_ids, options))
        choices.equal_documents += written[-1] == oracle.tokens
    report.documents, report.tokens = len(cases), choices.tokens
    report.encoder_relative_error = float(np.max(encoder_errors))
    report.mean_log_probability_difference = float(np.mean(choices.differences))
    report.largest_log_probability_difference = float(np.max(choices.differences))
    report.agreement = choices.agreed / choices.tokens
    report.largest_margin_at_disagreement = max(choices.margins)
    report.equal_documents = choices.equal_documents / len(cases)
    limit = TOLERANCES[report.precision].mean_log_probability_difference
    for name, differences_to_step in others.items():
        difference = float(np.mean(differences_to_step or [0.0]))
        if not difference <= limit:
            report.problems.append(
                f"{name} gives log-probabilities that differ by {difference:.3g} on average "
                f"from those of {DECODER_STEP}, at most {limit:.3g} allowed"
            )
    if report.precision in HALF:
        summarizer.to(HALF[report.precision])
        _compare_in_its_own_type(report, decoder, summarizer, cases, written)


def _compare_in_its_own_type(
    report: Report,
    decoder: PlainDecoder,
    summarizer: Summarizer,
    cases: Sequence[Case],
    written: Sequence[list[int]],
) -> None:
    """The same with a network of the bundle's type, whose rounding it shares but for the order."""
    choices = _Choices()
    for case, tokens in zip(cases, written, strict=True):
        oracle = greedy(summarizer, case.source_ids, case.options)
        forced = _teacher_forced(decoder, case.source_ids, oracle, case.options)
        choices.add(oracle, forced, case.options)
        choices.equal_documents += tokens == oracle.tokens
    report.arithmetic = _ARITHMETIC[report.precision]
    report.same_type_tokens = choices.tokens
    report.same_type_agreement = choices.agreed / choices.tokens
    report.same_type_largest_margin = max(choices.margins)
    report.same_type_equal_documents = choices.equal_documents / len(cases)


def _differences(forced: list[tuple[int, float]], others: list[float]) -> list[float]:
    return [abs(one - other) for (_, one), other in zip(forced, others, strict=True)]


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
    decoder: PlainDecoder,
    source_ids: Sequence[int],
    oracle: Generation,
    options: GreedyOptions,
    graph: str = DECODER_STEP,
) -> list[tuple[int, float]]:
    """What the bundle would choose after each beginning of the oracle's summary."""
    row = decoder.start(source_ids, len(oracle.tokens), graph)
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
