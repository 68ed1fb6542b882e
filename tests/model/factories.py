"""Small networks and inputs for the tests of model/; each test states only what it varies."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from model.network.config import ModelConfig
from model.network.transformer import Summarizer

ROOT = Path(__file__).parent.parent.parent
DEFAULT_CHECKPOINT = ROOT / "models" / "default" / "checkpoint"
DATA = ROOT / "tests" / "data"
EXAMPLES = ROOT / "examples"

TINY = ModelConfig(
    architecture="PegasusForConditionalGeneration",
    vocabulary_size=40,
    width=16,
    heads=4,
    encoder_layers=2,
    decoder_layers=2,
    encoder_feed_forward_width=24,
    decoder_feed_forward_width=20,
    max_positions=32,
    pad_id=0,
    end_id=1,
    start_id=0,
    dropout=0.1,
    copy_head=True,
    style_token_ids={"headline": 4, "brief": 5},
)


def make_model(seed: int = 0, **changes: object) -> Summarizer:
    """A tiny random network in evaluation mode, whose distributions are not too peaked."""
    torch.manual_seed(seed)
    model = Summarizer(replace(TINY, **changes)).eval()
    with torch.no_grad():
        model.embedding.tokens.weight.mul_(0.3)
    return model


def make_zero_model(**changes: object) -> Summarizer:
    """A network for which every token is as likely as every other, always."""
    model = make_model(copy_head=False, **changes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return model


def make_ids(*shape: int, seed: int = 0) -> Tensor:
    """Random ids of ordinary tokens."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(8, TINY.vocabulary_size, shape, generator=generator)


def make_source(lengths: list[int], seed: int = 0) -> tuple[Tensor, Tensor]:
    """A padded batch of sources: ids [B,S] and lengths [B]."""
    ids = make_ids(len(lengths), max(lengths), seed=seed)
    for row, length in enumerate(lengths):
        ids[row, length:] = TINY.pad_id
    return ids, torch.tensor(lengths)
