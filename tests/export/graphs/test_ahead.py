"""The decoder that goes on by itself writes what the decoder that is asked step by step writes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor

from bundle.load import Bundle
from bundle.signature import (
    DECODER_AHEAD,
    DECODER_STEP,
    DECODER_TOKENS,
    ENCODER,
    cache_names,
    updated_cache_names,
)
from export.graphs.ahead import Source, what_follows
from export.graphs.onnx_ops import to_onnx
from export.passes.rewriting import leading_to
from export.passes.shapeless import ShapeError, drop_shapes
from tests.export.family_bundles import FamilyBundle
from tests.onnx_session import open_graph

Arrays = dict[str, NDArray[Any]]

CAPACITY = 64
SOURCE = 13
COPYING = "bart, copying"
families = pytest.mark.parametrize("family", ["pegasus", "t5", COPYING])


class Graphs:
    """One bundle's encoder and two of its decoders."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.geometry = bundle.manifest.geometry
        self.step, self.ahead = (
            open_graph(bundle.graph_path(name)) for name in (DECODER_STEP, DECODER_AHEAD)
        )
        self._encoder = open_graph(bundle.graph_path(ENCODER))

    def sources(self, seed: int, lengths: list[int]) -> Arrays:
        """Everything that a decoder reads of random documents, padded to one length."""
        draw = np.random.default_rng(seed)
        ids = draw.integers(8, self.geometry.vocab_size, (len(lengths), SOURCE))
        inputs = {"source_ids": ids, "source_lengths": np.array(lengths)}
        names = [output.name for output in self._encoder.get_outputs()]
        encoded = dict(zip(names, self._encoder.run(names, inputs), strict=True))
        real = np.arange(SOURCE) < inputs["source_lengths"][:, None]
        bias = np.where(real, 0, -1e4).astype(np.float32)
        return {**inputs, "source_bias": bias, "slot_positions": np.arange(CAPACITY), **encoded}

    def empty_cache(self, rows: int) -> Arrays:
        shape = (rows, self.geometry.heads, CAPACITY, self.geometry.head_dim)
        return {name: np.zeros(shape, np.float32) for name in cache_names(self.geometry)}

    def greedy(self, source: Arrays, start: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """[B,count] the tokens after `start`, and [B,count] where each was looked for."""
        cache, tokens = self.empty_cache(len(start)), [start]
        for position in range(count):
            fed = {
                "token_ids": tokens[-1][:, None],
                "position": np.full(len(start), position),
                "excluded_ids": np.full((len(start), 1, 1), -1),
            }
            told = run(self.step, {**source, **fed, **cache})
            cache = self.updated(told)
            tokens.append(told["top_ids"][:, 0, 0])
        return np.stack(tokens[1:], axis=1)

    def updated(self, told: Arrays) -> Arrays:
        """The caches as inputs of the next step."""
        names = zip(cache_names(self.geometry), updated_cache_names(self.geometry), strict=True)
        return {name: told[updated] for name, updated in names}


@pytest.fixture(scope="module")
def copying(family_bundle: Callable[[str], FamilyBundle]) -> Graphs:
    return Graphs(family_bundle(COPYING).bundle)


class Following(torch.nn.Module):
    """What a step ahead does after the network."""

    def forward(
        self, token_ids: Tensor, position: Tensor, offsets: Tensor, best_ids: Tensor,
        source_ids: Tensor, source_lengths: Tensor, looked_at: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        source = Source(source_ids, source_lengths, looked_at)
        return what_follows(token_ids, position, offsets, best_ids, source)


@pytest.fixture(scope="module")
def following() -> Any:
    """That alone, exported and optimised as onnxruntime does."""
    names = "token_ids position offsets best_ids source_ids source_lengths looked_at".split()
    shapes = [(1, 6), (1,), (1, 6), (1, 6), (1, SOURCE), (1,), (1, 6)]
    arguments = tuple(torch.zeros(shape, dtype=torch.int64) for shape in shapes)
    told = ["next_token_ids", "next_position"]
    model = to_onnx(
        Following(), arguments, input_names=names, output_names=told, dynamic_shapes=(None,) * 7
    )
    return open_graph(model)


def run(session: Any, inputs: Arrays) -> Arrays:
    given = {tensor.name: inputs[tensor.name] for tensor in session.get_inputs()}
    names = [tensor.name for tensor in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))


def expected_next(fed: Arrays, told: Arrays, source: Arrays) -> tuple[list[list[int]], list[int]]:
    """The rule, row by row and token by token."""
    tokens, positions = [], []
    for row, ids in enumerate(fed["token_ids"]):
        best = told["top_ids"][row, :, 0]
        certain = 0
        while certain + 1 < len(ids) and ids[certain + 1] == best[certain]:
            certain += 1
        following = [int(best[certain])]
        for ahead in range(1, len(ids)):
            look = told["copy_source_index"][row, certain] + ahead
            last = max(source["source_lengths"][row] - 1, 0)
            following.append(int(source["source_ids"][row, min(look, last)]))
        tokens.append(following)
        positions.append(int(fed["position"][row]) + certain + 1)
    return tokens, positions


@families
def test_choices_fed_back_in_their_own_memory_are_those_of_single_steps(
    family: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    graphs = Graphs(family_bundle(family).bundle)
    lengths, rounds = [SOURCE, 4, 9], 8
    source = graphs.sources(0, lengths)
    start = np.array([9, 10, 11])
    for count in (1, 2, 5, 8) if graphs.geometry.copy_head else (1,):
        written = graphs.greedy(source, start, rounds * count)
        draft = np.random.default_rng(count).integers(8, 40, (3, count - 1))
        fed = {
            "token_ids": np.concatenate([start[:, None], draft], axis=1),
            "position": np.zeros(3, np.int64),
            "excluded_ids": np.full((3, count, 1), -1),
        }
        loop = Loop(graphs, source, fed)
        for _ in range(rounds):
            before = {name: array.copy() for name, array in loop.fed.items()}
            told = loop.step()
            for row, (position, ids) in enumerate(
                zip(before["position"], before["token_ids"], strict=True)
            ):
                kept = loop.fed["position"][row] - position
                found = told["top_ids"][row, :kept, 0]
                np.testing.assert_array_equal(found, written[row, position : position + kept])
                np.testing.assert_array_equal(ids[1:kept], found[: kept - 1])
            if graphs.geometry.copy_head:
                tokens, positions = expected_next(before, told, source)
                np.testing.assert_array_equal(loop.fed["token_ids"], tokens)
                np.testing.assert_array_equal(loop.fed["position"], positions)


class Loop:
    """decoder_ahead with its outputs bound to the memory of its inputs."""

    def __init__(self, graphs: Graphs, source: Arrays, fed: Arrays) -> None:
        rows = len(fed["token_ids"])
        names = {"token_ids", "position", "excluded_ids"}
        bound = {name: array.copy() for name, array in fed.items()}
        cache = graphs.empty_cache(rows)
        self._session = graphs.ahead
        self._binding = self._session.io_binding()
        values = {}
        for tensor in self._session.get_inputs():
            array = {**source, **bound, **cache}[tensor.name]
            values[tensor.name] = onnxruntime.OrtValue.ortvalue_from_numpy(array)
            self._binding.bind_ortvalue_input(tensor.name, values[tensor.name])
        given_back = dict(
            zip(updated_cache_names(graphs.geometry), cache_names(graphs.geometry), strict=True)
        ) | {"next_token_ids": "token_ids", "next_position": "position"}
        self._others = []
        for tensor in self._session.get_outputs():
            if tensor.name in given_back:
                value = values[given_back[tensor.name]]
                self._binding.bind_ortvalue_output(tensor.name, value)
            else:
                self._others.append(tensor.name)
                self._binding.bind_output(tensor.name)
        self.fed = {name: values[name].numpy() for name in names}
        self._values = values

    def step(self) -> Arrays:
        """Takes one step and gives what it told; `fed` is then what the next one is fed."""
        self._session.run_with_iobinding(self._binding)
        told = dict(
            zip(
                [tensor.name for tensor in self._session.get_outputs()],
                self._binding.get_outputs(),
                strict=True,
            )
        )
        self.fed = {name: self._values[name].numpy() for name in self.fed}
        return {name: told[name].numpy() for name in self._others}


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8), position=st.integers(0, 40))
@settings(max_examples=30)
def test_whatever_is_drafted_the_certain_tokens_are_the_leading_ones_that_the_model_agrees_with(
    copying: Graphs, seed: int, count: int, position: int
) -> None:
    graphs = copying
    draw = np.random.default_rng(seed)
    source = graphs.sources(seed, [SOURCE, int(draw.integers(0, SOURCE)), 1])
    fed = {
        # Few ids, so that some drafts agree.
        "token_ids": draw.integers(8, 12, (3, count)),
        "position": np.array([position, 0, 3]),
        "excluded_ids": draw.integers(-1, graphs.geometry.vocab_size, (3, count, 2)),
    }
    cache = {
        name: draw.standard_normal(array.shape, np.float32)
        for name, array in graphs.empty_cache(3).items()
    }
    told = run(graphs.ahead, {**source, **fed, **cache})
    # The first row's draft is the model's own, token by token.
    for index in range(1, count):
        fed["token_ids"][0, index] = told["top_ids"][0, index - 1, 0]
        told = run(graphs.ahead, {**source, **fed, **cache})
    tokens, positions = expected_next(fed, told, source)
    assert told["next_token_ids"].tolist() == tokens
    assert told["next_position"].tolist() == positions
    assert positions[0] == position + count


@pytest.mark.parametrize(
    ("drafted", "likeliest"),
    [
        # Differences whose squares onnxruntime's Clip for the processor did not keep to 1.
        ([381, 3303, 913, 0, 0, 0], [5056, 913, 1730, 16177, 16177, 16177]),
        ([9, 17155, 17155, 17155, 17155, 17155], [9 + 17146 * 2] + [9] * 5),
        ([9, 5, 6, 7, 8, 9], [5, 6, 7, 8, 9, 10]),
        ([9, 5, 6, 7, 65535, 9], [5, 6, 7, 0, 9, 10]),
    ],
)
def test_however_far_apart_two_ids_are_a_wrong_draft_is_not_certain(
    drafted: list[int], likeliest: list[int], following: Any
) -> None:
    certain = next(i for i in range(6) if i == 5 or drafted[i + 1] != likeliest[i])
    fed = {
        "token_ids": np.array([drafted]),
        "position": np.array([7]),
        "offsets": np.arange(6)[None, :],
        "best_ids": np.array([likeliest]),
        "source_ids": np.arange(20, 20 + SOURCE)[None, :],
        "source_lengths": np.array([SOURCE]),
        "looked_at": np.full((1, 6), 2),
    }
    told = run(following, fed)
    assert told["next_position"].tolist() == [7 + certain + 1]
    copied = [20 + 2 + ahead for ahead in range(1, 6)]
    assert told["next_token_ids"].tolist() == [[likeliest[certain], *copied]]


@families
def test_a_row_past_its_last_place_goes_on_and_disturbs_nobody(
    family: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    graphs = Graphs(family_bundle(family).bundle)
    count = 5 if graphs.geometry.copy_head else 1
    places = graphs.geometry.max_positions
    source = graphs.sources(0, [SOURCE, 6])
    shape = (2, graphs.geometry.heads, 2 * places, graphs.geometry.head_dim)
    inputs = source | {name: np.zeros(shape, np.float32) for name in cache_names(graphs.geometry)}
    inputs["slot_positions"] = np.arange(2 * places)
    fed = {"token_ids": np.full((2, count), 9), "excluded_ids": np.full((2, count, 1), -1)}
    past, within = (
        run(graphs.ahead, {**inputs, **fed, "position": np.array([position, 3])})
        for position in (places + 1, 0)
    )
    for name in ("top_ids", "top_log_probs", "next_token_ids", "next_position"):
        np.testing.assert_array_equal(past[name][1], within[name][1])
    assert np.isfinite(past["top_log_probs"]).all()


@families
def test_what_is_fed_next_is_written_after_all_that_reads_what_was_fed(
    family: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    graph = _graph(family_bundle(family).bundle, DECODER_AHEAD)
    for given_name, following in (("token_ids", "next_token_ids"), ("position", "next_position")):
        readers = [node for node in graph.node if given_name in node.input]
        before = leading_to([following], [*graph.node])
        assert readers
        assert all(node in before for node in readers)


@families
@pytest.mark.parametrize("name", [DECODER_AHEAD, DECODER_TOKENS, DECODER_STEP])
def test_no_decoder_of_a_bundle_for_devices_asks_for_a_shape(
    family: str, name: str, family_bundle: Callable[[str], FamilyBundle]
) -> None:
    kinds = {node.op_type for node in _graph(family_bundle(family).bundle, name).node}
    assert not kinds & {"Shape", "Size", "Range", "Expand", "ConstantOfShape", "NonZero"}


def test_a_shape_that_cannot_be_done_without_is_refused() -> None:
    make = helper.make_node
    info = helper.make_tensor_value_info
    tokens = [info("token_ids", TensorProto.INT64, ["batch", "tokens"])]
    counts = [info("count", TensorProto.INT64, [2])]
    graph = helper.make_graph([make("Shape", ["token_ids"], ["count"])], "g", tokens, counts)
    with pytest.raises(ShapeError, match="Shape still asks"):
        drop_shapes(helper.make_model(graph))


def _graph(bundle: Bundle, name: str) -> onnx.GraphProto:
    return onnx.load(str(bundle.graph_path(name)), load_external_data=False).graph
