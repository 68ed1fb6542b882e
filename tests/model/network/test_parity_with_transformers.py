"""Without the copy head we are transformers' PEGASUS, on tiny weights and on the default ones."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import PegasusForConditionalGeneration
from transformers.utils import logging

from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from model.network.transformer import Summarizer
from tests.model.factories import DEFAULT_CHECKPOINT, make_model


@pytest.fixture(autouse=True)
def quiet() -> None:
    """It reports the copy head, which it does not know, and the position tables it computes."""
    logging.set_verbosity_error()


def inputs(vocabulary_size: int, lengths: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    source_ids = torch.randint(
        8, vocabulary_size, (len(lengths), max(lengths)), generator=generator
    )
    for row, length in enumerate(lengths):
        source_ids[row, length:] = 0
    target_ids = torch.randint(8, vocabulary_size, (len(lengths), 12), generator=generator)
    target_ids[:, 0] = 0
    return source_ids, torch.tensor(lengths), target_ids


def our_logits(
    model: Summarizer, source_ids: Tensor, lengths: Tensor, target_ids: Tensor
) -> Tensor:
    cross = model.cross_cache(model.encode(source_ids, lengths))
    cache = model.empty_self_cache(*target_ids.shape)
    hidden, _ = model.decode(target_ids, torch.zeros_like(lengths), lengths, cross, cache)
    return model.logits(hidden)


@torch.inference_mode()
def assert_equal_logits(checkpoint: Path, lengths: list[int]) -> None:
    ours = load_checkpoint(checkpoint)
    theirs = PegasusForConditionalGeneration.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    source_ids, source_lengths, target_ids = inputs(ours.config.vocabulary_size, lengths)
    expected = theirs(
        input_ids=source_ids,
        attention_mask=(torch.arange(source_ids.shape[1]) < source_lengths[:, None]).long(),
        decoder_input_ids=target_ids,
    ).logits
    got = our_logits(ours, source_ids, source_lengths, target_ids)
    largest = (got - expected).abs().max().item()
    assert largest < 1e-4, f"largest difference {largest:.2e}"
    assert torch.equal(got.argmax(-1), expected.argmax(-1))


def test_the_default_checkpoint_gives_the_logits_of_transformers() -> None:
    assert_equal_logits(DEFAULT_CHECKPOINT, lengths=[60, 33, 7])


def test_transformers_reads_what_we_save_and_agrees(tmp_path: Path) -> None:
    save_checkpoint(make_model(copy_head=False), tmp_path)
    assert_equal_logits(tmp_path, lengths=[20, 1, 9])
