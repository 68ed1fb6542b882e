"""Every family computes what transformers computes: states, logits and greedy tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.utils import logging

from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from model.decoding.generate import GreedyOptions, greedy
from model.network.transformer import Summarizer
from tests.model.checkpoints.families.builders import FAMILIES, FIRST_ORDINARY_ID, VOCABULARY, build

SOURCE_LENGTHS = [21, 3, 14]  # LED's windows of 4 and 8 see a part of the longest
TARGET_COUNT = 11
ROUNDING = 2e-5  # of float32, through the layers; a part left out or misplaced costs above 1e-2


@dataclass(frozen=True)
class Pair:
    """One checkpoint, in both."""

    ours: Summarizer
    theirs: PreTrainedModel
    directory: Path


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    logging.set_verbosity_error()
    directory = tmp_path_factory.mktemp(request.param)
    theirs = build(request.param, directory)
    return Pair(load_checkpoint(directory), theirs, directory)


def ids(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    # Marian's pad is the last id of all.
    return torch.randint(FIRST_ORDINARY_ID, VOCABULARY - 1, shape, generator=generator)


def source(model: Summarizer, lengths: Sequence[int] = SOURCE_LENGTHS) -> tuple[Tensor, Tensor]:
    """Ragged rows, padded on the right."""
    source_ids = ids(len(lengths), max(lengths), seed=1)
    for row, length in enumerate(lengths):
        source_ids[row, length:] = model.config.pad_id
    return source_ids, torch.tensor(lengths)


def target(model: Summarizer) -> Tensor:
    target_ids = ids(len(SOURCE_LENGTHS), TARGET_COUNT, seed=2)
    target_ids[:, 0] = model.config.start_id
    return target_ids


def mask_of(source_ids: Tensor, lengths: Tensor) -> Tensor:
    return (torch.arange(source_ids.shape[1]) < lengths[:, None]).long()


def oracle_inputs(model: PreTrainedModel, source_ids: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """LED's global attention on the first token is asked for at each call."""
    inputs = {"input_ids": source_ids, "attention_mask": mask_of(source_ids, lengths)}
    if model.config.model_type == "led":
        inputs["global_attention_mask"] = torch.zeros_like(source_ids)
        inputs["global_attention_mask"][:, 0] = 1
    return inputs


def largest_difference(got: Tensor, expected: Tensor) -> float:
    """Relative to the spread of what is expected."""
    return ((got - expected).abs().max() / expected.std()).item()


@torch.inference_mode()
def test_the_encoder_gives_the_states_of_transformers(pair: Pair) -> None:
    source_ids, lengths = source(pair.ours)
    got = pair.ours.encode(source_ids, lengths)
    expected = pair.theirs.get_encoder()(**oracle_inputs(pair.theirs, source_ids, lengths))[0]
    real = mask_of(source_ids, lengths).bool()
    assert largest_difference(got[real], expected[:, : got.shape[1]][real]) < ROUNDING


def teacher_forced(pair: Pair) -> tuple[Tensor, Tensor]:
    """Our logits [B,T,V] without a cache, and those of transformers."""
    source_ids, lengths = source(pair.ours)
    target_ids = target(pair.ours)
    cross = pair.ours.cross_cache(pair.ours.encode(source_ids, lengths))
    start = torch.zeros_like(lengths)
    hidden, _ = pair.ours.decode(target_ids, start, lengths, cross, None)
    expected = pair.theirs(
        **oracle_inputs(pair.theirs, source_ids, lengths), decoder_input_ids=target_ids
    ).logits
    return pair.ours.logits(hidden), expected


@torch.inference_mode()
def test_teacher_forcing_gives_the_logits_of_transformers(
    pair: Pair, record_property: pytest.FixtureRequest
) -> None:
    got, expected = teacher_forced(pair)
    assert expected.std(-1).min() > 0.1  # flat logits would prove nothing
    largest = largest_difference(got, expected)
    record_property("largest_logit_difference", (got - expected).abs().max().item())
    assert largest < ROUNDING


@torch.inference_mode()
def test_rows_at_different_positions_of_a_cache_give_the_same_logits(pair: Pair) -> None:
    model = pair.ours
    source_ids, lengths = source(model)
    target_ids = target(model)
    _, expected = teacher_forced(pair)
    cross = model.cross_cache(model.encode(source_ids, lengths))
    cache = [
        (torch.full_like(k, 9.0), torch.full_like(v, -7.0))  # what earlier requests left behind
        for k, v in model.empty_self_cache(len(lengths), TARGET_COUNT + 4)
    ]
    starts = [0, 5, 2]
    for row, start in enumerate(starts):  # each row's past, by itself
        if start:
            one = slice(row, row + 1)
            _, filled = model.decode(
                target_ids[one, :start],
                torch.zeros(1, dtype=torch.long),
                lengths[one],
                [(k[one], v[one]) for k, v in cross],
                [(k[one], v[one]) for k, v in cache],
            )
            for (k, v), (new_k, new_v) in zip(cache, filled, strict=True):
                k[one], v[one] = new_k, new_v
    position = torch.tensor(starts)
    for _ in range(TARGET_COUNT - max(starts)):
        step = target_ids.gather(1, position[:, None])
        hidden, cache = model.decode(step, position, lengths, cross, cache)
        wanted = expected[torch.arange(len(starts)), position]
        assert largest_difference(model.logits(hidden)[:, 0], wanted) < ROUNDING
        position = position + 1


def test_greedy_decoding_gives_the_tokens_of_transformers(pair: Pair) -> None:
    config = pair.ours.config
    written: set[int] = set()
    for seed in range(6):
        source_ids = ids(1, 8 + 3 * seed, seed=10 + seed)
        got = greedy(pair.ours, source_ids[0].tolist(), GreedyOptions(max_tokens=12)).tokens
        expected = pair.theirs.generate(
            **oracle_inputs(pair.theirs, source_ids, torch.tensor([source_ids.shape[1]])),
            max_new_tokens=12,
            do_sample=False,
            num_beams=1,
            forced_eos_token_id=None,
            decoder_start_token_id=config.start_id,
        )[0, 1:].tolist()
        assert got == expected
        written.update(got)
    assert len(written) > 2  # else the tokens would tell little


def test_transformers_reads_what_we_save_and_gives_the_same_logits(
    pair: Pair, tmp_path: Path
) -> None:
    save_checkpoint(pair.ours, tmp_path, dtype=torch.float32)
    again, loading = type(pair.theirs).from_pretrained(tmp_path, output_loading_info=True)
    assert loading["unexpected_keys"] == loading["mismatched_keys"] == []
    assert {name for name in loading["missing_keys"] if "embed_positions" not in name} == set()
    saved = Pair(load_checkpoint(tmp_path), again.eval(), tmp_path)
    assert saved.ours.config == pair.ours.config
    with torch.inference_mode():
        got, expected = teacher_forced(saved)
        assert torch.equal(got, teacher_forced(pair)[0])
        assert largest_difference(got, expected) < ROUNDING
