"""The engine's ModelRunner on onnxruntime."""

from collections.abc import Sequence
from typing import Any

from bundle.load import Bundle
from bundle.signature import DECODER_STEP, DECODER_TOKENS, ENCODER, encoder_slice_names
from server.decoding.strategy import Outcome
from server.engine.runner import DecodeBatch, Encoding, LaneKey, Move
from server.runtime.encoding import EncoderSlice, SlicedEncoding
from server.runtime.failures import told_as_runner_errors
from server.runtime.lane import Lane
from server.runtime.lane_arrays import LaneArrays
from server.runtime.session import open_session
from server.runtime.step.fill import check_places, most_excluded
from server.runtime.step.shape import FEWEST_TOKENS, StepShape
from server.runtime.step.word_scores import WordScores
from server.runtime.step_binding import StepBinding
from server.runtime.threads import thread_budget

# The excluded ids of a step are padded to a multiple of this, so that few shapes occur and bindings
# are reused.
_EXCLUDED_STEP = 8
# Bindings kept for a lane. Rows come and go one by one, so a lane that is never empty would in time
# have steps of every shape; those of its last steps are soon wanted again.
_MOST_BINDINGS = 64


class OrtRunner:
    """The sessions over one bundle, and the lanes that its rows live in."""

    # Between two steps on a processor nothing is saved by not asking.
    most_steps_ahead = 0
    # Steps and slices of the encoder share the cores.
    encodes_by_itself = False

    def __init__(self, bundle: Bundle, *, threads: int = 0) -> None:
        manifest = bundle.manifest
        self._geometry = manifest.geometry
        self._pad_id = manifest.special_tokens.pad_id
        budget = thread_budget(threads)
        self.threads = budget.threads

        def opened(name: str) -> Any:
            return open_session(bundle.graph_path(name), manifest.graphs[name], budget)

        slices = encoder_slice_names(self._geometry)
        self._encoder = [EncoderSlice(opened(name)) for name in slices]
        self._decoders = {name: opened(name) for name in (DECODER_STEP, DECODER_TOKENS)}
        self.actual_provider: str = self._decoders[DECODER_STEP].get_providers()[0]
        self._encoder_outputs = [tensor.name for tensor in manifest.graphs[ENCODER].outputs]
        self._lanes: dict[LaneKey, Lane] = {}
        self._bindings: dict[LaneKey, _Bindings] = {}
        self._words = WordScores()

    def begin_encoding(self, sources: Sequence[Sequence[int]]) -> SlicedEncoding:
        """Prepares documents to be encoded together; nothing is run yet."""
        with told_as_runner_errors(f"preparing {len(sources)} documents"):
            return SlicedEncoding(self._encoder, sources, self._pad_id)

    def admit(
        self, encoding: Encoding, documents: Sequence[int], lane: LaneKey, first_row: int
    ) -> None:
        """Copies what was encoded into rows of a lane."""
        assert isinstance(encoding, SlicedEncoding), "encodings come from begin_encoding"
        with told_as_runner_errors(f"making room for {len(documents)} documents"):
            encoded = encoding.encoded(self._encoder_outputs)
            chosen = [
                (encoding.sources[index], {name: array[index] for name, array in encoded.items()})
                for index in documents
            ]
            self._lane(lane).add(first_row, chosen)

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        """Runs one step of a lane's first rows over their own memory, caches updated in place."""
        proposals = batch.proposals
        with told_as_runner_errors(f"a step of {len(proposals)} rows"):
            check_places(proposals, self._geometry)
            lane = self._lane(batch.lane)
            graph, tokens, gives_words = _wanted(batch)
            lane.fit_cache(max(proposal.first_slot for proposal in proposals) + tokens)
            shape = StepShape(
                graph,
                rows=len(proposals),
                source=lane.arrays.capacity.source_tokens,
                slots=lane.arrays.capacity.cache_slots,
                tokens=tokens,
                excluded=max(1, -(-most_excluded(proposals) // _EXCLUDED_STEP)) * _EXCLUDED_STEP,
                gives_words=gives_words,
            )
            return self._binding(batch.lane, lane, shape).run(proposals)

    def move(self, move: Move) -> None:
        """Copies a row within its lane."""
        self._lanes[move.lane].move(move.source_row, move.target_row)

    def vacate(self, lane: LaneKey) -> None:
        """Lets go of a lane, and of what is bound to its memory."""
        self._lanes.pop(lane, None)
        self._bindings.pop(lane, None)

    def _lane(self, key: LaneKey) -> Lane:
        if key not in self._lanes:
            self._lanes[key] = Lane(self._geometry, key)
        return self._lanes[key]

    def _binding(self, key: LaneKey, lane: Lane, shape: StepShape) -> StepBinding:
        bindings = self._bindings.get(key)
        if bindings is None or bindings.arrays is not lane.arrays:
            bindings = self._bindings[key] = _Bindings(lane.arrays)
        binding = bindings.take(shape)
        if binding is None:
            binding = StepBinding(
                self._decoders[shape.graph],
                self._geometry,
                lane.arrays,
                shape,
                width=key.width,
                pad_id=self._pad_id,
                word_scores=self._words,
            )
        bindings.put_back(shape, binding)
        return binding


class _Bindings:
    """The bindings over one allocation that were used last; let go of together with it."""

    def __init__(self, arrays: LaneArrays) -> None:
        self.arrays = arrays
        # The one used last comes last.
        self._by_shape: dict[StepShape, StepBinding] = {}

    def take(self, shape: StepShape) -> StepBinding | None:
        return self._by_shape.pop(shape, None)

    def put_back(self, shape: StepShape, binding: StepBinding) -> None:
        self._by_shape[shape] = binding
        if len(self._by_shape) > _MOST_BINDINGS:
            del self._by_shape[next(iter(self._by_shape))]


def _wanted(batch: DecodeBatch) -> tuple[str, int, bool]:
    """The graph that runs a batch, how many tokens of each row it takes, and whether all words."""
    tokens = max(len(proposal.token_ids) for proposal in batch.proposals)
    gives_words = any(proposal.wants_scores for proposal in batch.proposals)
    # What decoder_step cannot do: several tokens, a tree, or all words.
    if tokens > 1 or batch.lane.width > 1 or gives_words:
        return DECODER_TOKENS, max(tokens, FEWEST_TOKENS), gives_words
    return DECODER_STEP, tokens, False
