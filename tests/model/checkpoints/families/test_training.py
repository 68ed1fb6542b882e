"""Every family trains: all of it learns, without a cache, in bfloat16 too, and dropout is heard."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from model.checkpoints.checkpoint import load_checkpoint
from model.checkpoints.config_file import config_values
from model.network.transformer import Summarizer
from tests.model.checkpoints.families.builders import FAMILIES, build

SOURCE_LENGTHS = torch.tensor([17, 5])


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Summarizer:
    directory = tmp_path_factory.mktemp(request.param)
    build(request.param, directory)
    return load_checkpoint(directory)


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randint(8, 60, (2, 17), generator=generator),
        torch.randint(8, 60, (2, 6), generator=generator),
    )


def logits(model: Summarizer) -> Tensor:
    source_ids, target_ids = inputs()
    cross = model.cross_cache(model.encode(source_ids, SOURCE_LENGTHS))
    start = torch.zeros_like(SOURCE_LENGTHS)
    return model.logits(model.decode(target_ids, start, SOURCE_LENGTHS, cross, None)[0])


def test_every_parameter_learns_from_a_training_step(model: Summarizer) -> None:
    model.zero_grad()
    logits(model).log_softmax(-1)[..., 9].sum().backward()
    # A key's bias shifts all scores of a query alike, so softmax leaves it without a gradient.
    still = [
        name
        for name, parameter in model.named_parameters()
        if not parameter.grad.abs().max() > 0 and not name.endswith("key.bias")
    ]
    assert still == []
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


def test_bfloat16_autocast_rounds_the_logits_and_keeps_gradients_finite(model: Summarizer) -> None:
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = logits(model)
    whole = logits(model)
    # Wide random weights magnify rounding: most words keep their place, not all their scores.
    together = torch.stack([rounded.float().flatten(), whole.flatten()])
    assert torch.corrcoef(together)[0, 1] > 0.9
    rounded.float().log_softmax(-1)[..., 9].sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


def test_dropout_stands_where_the_family_has_it(model: Summarizer) -> None:
    config = replace(model.config, dropout=0.1, inner_dropout=0.2, final_dropout=0.3)
    heard: list[float] = []
    dropping = Summarizer(config).train()
    for module in dropping.modules():
        if isinstance(module, nn.Dropout):
            module.register_forward_hook(lambda module, *_: heard.append(module.p))
    logits(dropping)
    encoder, decoder = config.encoder_layers, config.decoder_layers
    assert heard.count(0.1) == (1 + 2 * encoder) + (1 + 3 * decoder)
    assert heard.count(0.2) == encoder + decoder
    assert heard.count(0.3) == 2


@pytest.mark.parametrize(
    ("family", "changes", "expected"),
    [
        ("bart", {"dropout": 0.2, "activation_dropout": 0.3}, (0.2, 0.3, 0.0)),
        ("led", {"dropout": 0.2, "activation_dropout": 0.3}, (0.2, 0.3, 0.0)),
        ("t5", {"dropout_rate": 0.2}, (0.2, 0.2, 0.2)),
    ],
)
def test_the_rates_are_those_of_config_json(
    family: str, changes: dict[str, float], expected: tuple[float, ...], tmp_path: Path
) -> None:
    build(family, tmp_path, **changes)
    config = load_checkpoint(tmp_path).config
    assert (config.dropout, config.inner_dropout, config.final_dropout) == expected
    assert {key: config_values(config)[key] for key in changes} == changes
