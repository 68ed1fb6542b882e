"""The decoder of several tokens computes what PyTorch does, whatever each token sees."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from bundle.signature import DECODER_TOKENS
from export.graphs.modules import DecoderTokensGraph
from model.checkpoints.checkpoint import load_checkpoint
from model.network.copy_head import source_bias
from model.network.transformer import Summarizer
from tests.export.family_bundles import FamilyBundle
from tests.onnx_session import open_graph

CAPACITY = 24
LENGTHS = [11, 4, 7]
# The sharp distributions of wide random weights magnify float32's rounding.
RELATIVE, ABSOLUTE = 1e-3, 1e-4
families = pytest.mark.parametrize("family", ["pegasus", "t5", "bart, copying"])


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Decoder:
    """Both decoders over the same rows, each with its own cache."""

    def __init__(self, made: FamilyBundle, source: Tensor, lengths: Sequence[int]) -> None:
        self._graph = DecoderTokensGraph(load_checkpoint(made.checkpoint))
        self._session = open_graph(made.bundle.graph_path(DECODER_TOKENS))
        model = self._graph.summarizer
        self.vocabulary = model.config.vocabulary_size
        self._of_source = _of_source(model, source, torch.tensor(lengths))
        empty = model.empty_self_cache(len(lengths), CAPACITY)
        self._cache = [part for pair in empty for part in pair]
        self._has_slots = model.config.positions == "relative"

    @torch.inference_mode()
    def run(
        self,
        tokens: Tensor,
        position: Tensor,
        places: Tensor,
        visible: Tensor,
        slots: Tensor,
        excluded: Tensor | None = None,
    ) -> list[Tensor]:
        """Checks a step of both against each other, and gives what it told."""
        if excluded is None:
            excluded = torch.full((*tokens.shape, 1), -1)
        head = [tokens, position, excluded, places, visible]
        others = [*([slots] if self._has_slots else []), *self._of_source, *self._cache]
        expected = self._graph(*head, others)
        names = [tensor.name for tensor in self._session.get_inputs()]
        inputs = dict(zip(names, (each.numpy() for each in [*head, *others]), strict=True))
        outputs = [tensor.name for tensor in self._session.get_outputs()]
        found = self._session.run(outputs, inputs)
        for name, theirs, ours in zip(outputs, found, expected, strict=True):
            # Of level candidates either may come first; their values are compared.
            if name != "top_ids":
                np.testing.assert_allclose(
                    theirs, ours.numpy(), rtol=RELATIVE, atol=ABSOLUTE, err_msg=name
                )
        best = outputs.index("top_ids")
        np.testing.assert_array_equal(found[best][..., 0], expected[best][..., 0].numpy())
        self._cache = list(expected[-len(self._cache) :])
        return list(expected[: -len(self._cache)])


@torch.inference_mode()
def _of_source(model: Summarizer, source: Tensor, lengths: Tensor) -> list[Tensor]:
    states = model.encode(source, lengths)
    cross = [part for pair in model.cross_cache(states) for part in pair]
    if model.copy_head is None:
        return [lengths, *cross]
    return [lengths, source, source_bias(lengths, source.shape[1]), states, *cross]


def _up_to_its_own(position: Tensor, count: int) -> Tensor:
    """[B,q,L]: what the tokens of a single summary see."""
    own = position[:, None] + torch.arange(count)
    return torch.arange(CAPACITY) <= own[:, :, None]


@families
def test_drafts_at_ragged_positions_give_what_pytorch_gives(
    family: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    source = torch.randint(8, 60, (len(LENGTHS), max(LENGTHS)), generator=seeded(0))
    decoder = Decoder(family_bundle(family), source, LENGTHS)
    slots = torch.arange(CAPACITY).expand(len(LENGTHS), -1)
    position = torch.zeros(len(LENGTHS), dtype=torch.long)
    draw = seeded(1)
    for count, kept in ((5, [5, 2, 1]), (1, [1, 1, 1]), (4, [0, 4, 3]), (6, [6, 6, 6])):
        tokens = torch.randint(8, decoder.vocabulary, (len(LENGTHS), count), generator=draw)
        places = position[:, None] + torch.arange(count)
        excluded = torch.randint(-1, 40, (*tokens.shape, 7), generator=draw)
        decoder.run(tokens, position, places, _up_to_its_own(position, count), slots, excluded)
        # What was not kept is written over by the next step.
        position = position + torch.tensor(kept)


@families
def test_branches_of_a_tree_give_what_each_gives_as_a_summary_of_its_own(
    family: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    width, steps = 3, 5
    source = torch.randint(8, 60, (1, 9), generator=seeded(2))
    tree, alone = (
        Decoder(family_bundle(family), source.expand(rows, -1), [9] * rows) for rows in (1, width)
    )
    tokens = torch.randint(8, 60, (steps, width), generator=seeded(3))
    # The branch of each step's j-th token: which of the step before it continues.
    parents = [[0, 1, 2], [0, 0, 2], [1, 1, 0], [2, 0, 1], [0, 2, 2]]
    slots = torch.arange(CAPACITY)[None] // width
    paths: list[list[int]] = [[] for _ in range(width)]
    for step in range(steps):
        paths = [
            [*paths[parent], step * width + branch] for branch, parent in enumerate(parents[step])
        ]
        visible = torch.zeros(1, width, CAPACITY, dtype=torch.bool)
        for branch, path in enumerate(paths):
            visible[0, branch, path] = True
        told = tree.run(
            tokens[step][None], torch.tensor([step * width]), torch.full((1, width), step),
            visible, slots,
        )  # fmt: skip
    summaries = torch.stack([tokens.flatten()[path] for path in paths])  # [width, steps]
    expected = alone.run(
        summaries, torch.zeros(width, dtype=torch.long), torch.arange(steps).expand(width, -1),
        _up_to_its_own(torch.zeros(width, dtype=torch.long), steps),
        torch.arange(CAPACITY).expand(width, -1),
    )  # fmt: skip
    for found, wanted in zip(told, expected, strict=True):
        np.testing.assert_allclose(found[0], wanted[:, -1], rtol=RELATIVE, atol=ABSOLUTE)
